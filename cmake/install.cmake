# n2s_install(TARGET): `cmake --install` then makes a tree that runs on machines without the libraries the program was
# linked with: they come along in lib/. The C library and the GPU driver stay the machine's own. For a package of a
# distribution (N2S_BUNDLE=OFF) all libraries stay the machine's.
function(n2s_install target)
  install(TARGETS ${target} RUNTIME_DEPENDENCY_SET n2s_runtime RUNTIME DESTINATION bin COMPONENT program)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION share/doc/noise2stack COMPONENT program)
  if(NOT N2S_BUNDLE OR N2S_PORTABLE)
    return()
  endif()
  # RPATH, not RUNPATH: the bundled libraries must find each other too, and only RPATH reaches what they load.
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")
  target_link_options(${target} PRIVATE LINKER:--disable-new-dtags)
  install(RUNTIME_DEPENDENCY_SET n2s_runtime
    PRE_EXCLUDE_REGEXES
      "^(libc|libm|libmvec|libdl|librt|libpthread|libresolv|libutil|libanl)\\.so" "^ld-linux" "^linux-vdso" "^libcuda\\.so"
    LIBRARY DESTINATION lib COMPONENT program)
endfunction()

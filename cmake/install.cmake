# n2s_install(TARGET): `cmake --install` then makes a tree that runs on machines without the libraries the program was
# linked with: they come along in lib/. The C library and the GPU driver stay the machine's own.
function(n2s_install target)
  # RPATH, not RUNPATH: the bundled libraries must find each other too, and only RPATH reaches what they load.
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")
  target_link_options(${target} PRIVATE LINKER:--disable-new-dtags)

  install(TARGETS ${target} RUNTIME_DEPENDENCY_SET n2s_runtime RUNTIME DESTINATION bin)
  install(RUNTIME_DEPENDENCY_SET n2s_runtime
    PRE_EXCLUDE_REGEXES
      "^(libc|libm|libmvec|libdl|librt|libpthread|libresolv|libutil|libanl)\\.so" "^ld-linux" "^linux-vdso" "^libcuda\\.so"
    LIBRARY DESTINATION lib)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION share/doc/noise2stack)
endfunction()

# Packages, made by tools/scripts/packages: for Debian where N2S_BUNDLE is off, else archives that are unpacked anywhere.
set(CPACK_PACKAGE_NAME noise2stack)
set(N2S_PACKAGER "The Noise2Stack engine's authors <noise2stack@users.noreply.github.com>" CACHE STRING
    "Who makes the packages: a name and an address")
set(CPACK_PACKAGE_VENDOR "The Noise2Stack engine's authors")
set(CPACK_PACKAGE_CONTACT "${N2S_PACKAGER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "restores noisy image stacks by learning from the stack itself")
set(system linux-x86_64)
if(N2S_CUDA_ARCHITECTURES STREQUAL "70")
  set(system linux-x86_64-volta)
endif()
set(CPACK_PACKAGE_FILE_NAME noise2stack-${PROJECT_VERSION}-${system})
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_THREADS 0)

# The archives: the program; libn2s with what is needed to compile for it.
set(CPACK_GENERATOR TGZ)
set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
set(CPACK_ARCHIVE_PROGRAM_FILE_NAME noise2stack-${PROJECT_VERSION}-${system})
set(CPACK_ARCHIVE_LIBRARIES_FILE_NAME libn2s-${PROJECT_VERSION}-${system})
set(CPACK_COMPONENTS_ALL program)
if(N2S_LIBRARY)
  list(APPEND CPACK_COMPONENTS_ALL library development)
endif()

set(CPACK_COMPONENT_INCLUDE_TOPLEVEL_DIRECTORY ${N2S_BUNDLE})

if(NOT N2S_BUNDLE)
  set(CPACK_GENERATOR DEB)
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
  set(CPACK_DEB_COMPONENT_INSTALL ON)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
  set(CPACK_COMPONENTS_GROUPING IGNORE)
  file(WRITE ${PROJECT_BINARY_DIR}/packages/triggers "activate-noawait ldconfig\n")
  set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/packages/triggers)
  set(CPACK_DEBIAN_PACKAGE_HOMEPAGE https://arxiv.org/abs/2011.05105)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  list(APPEND CPACK_COMPONENTS_ALL mpi)

  # n2s_debian_package(COMPONENT NAME SECTION DESCRIPTION [DEPENDS]): with the two files that each must have.
  find_program(GZIP gzip REQUIRED)
  execute_process(COMMAND git log -1 --format=%cD WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_STRIP_TRAILING_WHITESPACE
                  OUTPUT_VARIABLE date COMMAND_ERROR_IS_FATAL ANY)
  set(changelog ${PROJECT_BINARY_DIR}/packages/changelog)
  file(CONFIGURE OUTPUT ${changelog} CONTENT
"noise2stack (@PROJECT_VERSION@) unstable; urgency=medium

  * The changes are in CHANGELOG.md.

 -- @CPACK_PACKAGE_CONTACT@  @date@
" @ONLY)
  execute_process(COMMAND ${GZIP} -9nkf ${changelog} COMMAND_ERROR_IS_FATAL ANY)
  function(n2s_debian_package component name section description)
    string(TOUPPER ${component} upper)
    set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
    set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section} PARENT_SCOPE)
    set(CPACK_DEBIAN_${upper}_DESCRIPTION "${about}\n\n${description}" PARENT_SCOPE)
    set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "${ARGN}" PARENT_SCOPE)
    install(FILES ${changelog}.gz DESTINATION share/doc/${name} COMPONENT ${component})
    install(FILES ${PROJECT_SOURCE_DIR}/tools/packages/copyright DESTINATION share/doc/${name} COMPONENT ${component})
  endfunction()
  set(about "Noise2Stack restores noisy volumes, z-stacks and time series: a small network\nlearns from the noisy stack itself to predict each plane from its neighbours.")
  n2s_debian_package(program noise2stack science
    "This package has the program n2s, for CPUs and NVIDIA GPUs.")
  n2s_debian_package(library libn2s0 libs
    "This package has the library libn2s.")
  n2s_debian_package(development libn2s-dev libdevel
    "This package has the header n2s.h, a pkg-config file and a CMake package."
    "libn2s0 (= ${PROJECT_VERSION})")
  n2s_debian_package(mpi noise2stack-mpi science
    "This package lets several processes train together that mpirun or srun has\nstarted."
    "noise2stack (= ${PROJECT_VERSION})")
endif()

include(CPack)
if(N2S_BUNDLE)
  cpack_add_component(program GROUP PROGRAM)
  cpack_add_component(library GROUP LIBRARIES)
  cpack_add_component(development GROUP LIBRARIES)
endif()

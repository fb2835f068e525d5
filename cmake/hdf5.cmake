# The target n2s_hdf5. Debian's shared HDF5 library drags in curl, OpenSSL, GnuTLS and Kerberos, for reading from web
# services; its archive has these in files of their own, which reading and writing on a disk do not need. So the archive is
# linked where there is one: 3 MB in the program instead of 12 MB of libraries beside it.
pkg_check_modules(HDF5 REQUIRED IMPORTED_TARGET hdf5)  # FindHDF5 would link what the library itself links as well
find_package(ZLIB REQUIRED)
find_library(N2S_HDF5_ARCHIVE libhdf5.a HINTS ${HDF5_LIBRARY_DIRS})
find_library(N2S_SZIP_ARCHIVE libsz.a)
find_library(N2S_AEC_ARCHIVE libaec.a)

add_library(n2s_hdf5 INTERFACE)
if(N2S_HDF5_ARCHIVE AND N2S_SZIP_ARCHIVE AND N2S_AEC_ARCHIVE)
  target_include_directories(n2s_hdf5 SYSTEM INTERFACE ${HDF5_INCLUDE_DIRS})
  target_link_libraries(n2s_hdf5 INTERFACE ${N2S_HDF5_ARCHIVE} ${N2S_SZIP_ARCHIVE} ${N2S_AEC_ARCHIVE} ZLIB::ZLIB
                                           Threads::Threads ${CMAKE_DL_LIBS} m)
else()
  target_link_libraries(n2s_hdf5 INTERFACE PkgConfig::HDF5)
endif()

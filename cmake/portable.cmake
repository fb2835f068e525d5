# Programs for any Linux on x86-64 with glibc 2.31 or later (Debian 11, Ubuntu 20.04, RHEL 9), needing nothing but the C
# library. Included where N2S_PORTABLE is a folder that tools/packages/portable_libraries has made. Files are compiled as
# ever; what differs is what they are linked with.
set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
list(PREPEND CMAKE_PREFIX_PATH ${N2S_PORTABLE})
set(PKG_CONFIG_USE_CMAKE_PREFIX_PATH TRUE)

set(sysroot ${N2S_PORTABLE}/sysroot)
add_link_options(-static-libstdc++ -static-libgcc LINKER:--sysroot=${sysroot} LINKER:--exclude-libs,ALL
  -B${sysroot}/usr/lib/x86_64-linux-gnu -L${sysroot}/usr/lib/x86_64-linux-gnu)
# What the archives themselves need, and the C library's additions for them.
string(APPEND CMAKE_CXX_STANDARD_LIBRARIES
  " -L${N2S_PORTABLE}/lib -ljpeg -lLerc -lzstd -l:liblzma.a -l:libwebp.a -l:libdeflate.a -l:libsnappy.a -l:liblz4.a -l:libz.a"
  " -lglibc_2_31 -lpthread -ldl -lm")

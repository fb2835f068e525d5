# The CUDA language: for which GPUs kernels are compiled, and with which warnings. Included where N2S_CUDA is ON.
#
# N2S_CUDA_ARCHITECTURES is one of
#   native   the GPUs of this machine; the default where there is one
#   all      whatever this toolkit compiles for among 70 75 80 86 89 90a 100 120, and PTX of the newest
#   a list   as CMake's CUDA_ARCHITECTURES has it, e.g. "70" (machine code and PTX) or "80;90a-real"
# Without a GPU the default is short, because every entry compiles all kernels once more: code for Ampere, which its
# relatives up to compute capability 8.9 run as it is and newer GPUs through PTX, and for Hopper, whose own instructions
# need it; with a toolkit that still knows Volta (CUDA 12, or clang), Volta as well.

# Kernels call cudart through n2s_cuda_kernels, so the program brings it along and needs nothing but the driver.
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
enable_language(CUDA)
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)  # CMake before 3.25.2 does not know nvcc's
endif()
find_package(CUDAToolkit REQUIRED)
if(CUDAToolkit_VERSION VERSION_LESS 12)
  message(FATAL_ERROR "CUDA ${CUDAToolkit_VERSION} does not compile C++20; install CUDA 12 or 13, or configure with -DN2S_CUDA=OFF")
endif()

# n2s_known_architectures(VARIABLE): those of the list above that this compiler makes code for.
function(n2s_known_architectures variable)
  set(known 70 75 80 86 89 90a 100 120)
  if(CMAKE_CUDA_COMPILER_ID STREQUAL "NVIDIA")
    execute_process(COMMAND ${CMAKE_CUDA_COMPILER} --list-gpu-code OUTPUT_VARIABLE listed COMMAND_ERROR_IS_FATAL ANY)
    set(all ${known})
    set(known "")
    foreach(architecture IN LISTS all)
      string(REGEX MATCH "^[0-9]+" number ${architecture})
      if(listed MATCHES "sm_${number}[^0-9]")
        list(APPEND known ${architecture})
      endif()
    endforeach()
  else()
    set(known 70 75 80 86 89 90a)  # clang 19, which is used for Volta
  endif()
  set(${variable} ${known} PARENT_SCOPE)
endfunction()

n2s_known_architectures(N2S_KNOWN_ARCHITECTURES)
if(NOT N2S_CUDA_ARCHITECTURES)
  if(CMAKE_CUDA_ARCHITECTURES_NATIVE)
    set(N2S_CUDA_ARCHITECTURES native)
  elseif(70 IN_LIST N2S_KNOWN_ARCHITECTURES)
    set(N2S_CUDA_ARCHITECTURES 70-real 80 90a-real)
  else()
    set(N2S_CUDA_ARCHITECTURES 80 90a-real)
  endif()
endif()
set(N2S_CUDA_ARCHITECTURES "${N2S_CUDA_ARCHITECTURES}" CACHE STRING "GPUs to compile for: native, all, or a list" FORCE)

if(N2S_CUDA_ARCHITECTURES STREQUAL "native")
  if(NOT CMAKE_CUDA_ARCHITECTURES_NATIVE)
    message(FATAL_ERROR "N2S_CUDA_ARCHITECTURES is native, but no GPU answers; name one instead, e.g. -DN2S_CUDA_ARCHITECTURES=80")
  endif()
  # Hopper's matrix and copy instructions are in the "a" code alone.
  string(REGEX REPLACE "(^|;)90-real" "\\190a-real" CMAKE_CUDA_ARCHITECTURES "${CMAKE_CUDA_ARCHITECTURES_NATIVE}")
elseif(N2S_CUDA_ARCHITECTURES STREQUAL "all")
  set(CMAKE_CUDA_ARCHITECTURES ${N2S_KNOWN_ARCHITECTURES})
  list(POP_BACK CMAKE_CUDA_ARCHITECTURES newest)
  list(TRANSFORM CMAKE_CUDA_ARCHITECTURES APPEND -real)
  list(APPEND CMAKE_CUDA_ARCHITECTURES ${newest})
else()
  set(CMAKE_CUDA_ARCHITECTURES ${N2S_CUDA_ARCHITECTURES})
endif()
if(CMAKE_CUDA_ARCHITECTURES MATCHES "(^|;)7[02](-|;|$)" AND NOT 70 IN_LIST N2S_KNOWN_ARCHITECTURES)
  message(FATAL_ERROR "CUDA ${CUDAToolkit_VERSION} no longer compiles for Volta (${CMAKE_CUDA_ARCHITECTURES}); "
    "use CUDA 12.9, or tools/scripts/build_volta, which needs no CUDA 12")
endif()
message(STATUS "CUDA ${CUDAToolkit_VERSION}, GPU code for: ${CMAKE_CUDA_ARCHITECTURES}")

# nvcc hands the host's half to g++, which knows the warnings; nvcc's own are errors too, ptxas's among them. Line numbers
# are for profilers and cost nothing at run time; compressed, they take little space.
set(n2s_nvcc_options -Xcompiler=-Wall,-Wextra,-Wconversion,-Wshadow --expt-relaxed-constexpr -lineinfo -Wno-deprecated-gpu-targets
  --diag-suppress=554)  # a conversion that is never called, reported even where a constraint takes it away
if(CUDAToolkit_VERSION VERSION_GREATER_EQUAL 13)
  list(APPEND n2s_nvcc_options --compress-mode=size)
else()
  list(APPEND n2s_nvcc_options -Xfatbin=-compress-all)
endif()
# Clang counts changes of sign as conversions, which g++ does not; it sees the empty bodies that functions for newer GPUs have
# on Volta; and it finds the parentheses in #pragma unroll (…) incompatible, which nvcc takes. Its loop strength reduction keeps
# an address for every access in registers that the convolutions' sums need.
set(n2s_clang_options -Wall -Wextra -Wconversion -Wshadow -Wno-sign-conversion -Wno-unused-parameter -Wno-cuda-compat
  -Wno-unknown-cuda-version -gline-tables-only "SHELL:-mllvm -disable-lsr")
if(N2S_WERROR)
  list(APPEND n2s_nvcc_options -Werror=all-warnings)
  list(APPEND n2s_clang_options -Werror)
endif()
target_compile_options(n2s_options INTERFACE
  "$<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:${n2s_nvcc_options}>" "$<$<COMPILE_LANG_AND_ID:CUDA,Clang>:${n2s_clang_options}>")

# For the program here and for its test on the emulated GPU.
set(N2S_CONV3X3_SERIES
  01_naive.cu 02_coalesced.cu 03_shared_tile.cu 04_registers.cu 05_tensor_cores.cu 06_fused_epilogue.cu 07_asynchronous.cu
  08_four_phases.cu backward_01_atomics.cu backward_02_split_and_reduce.cu unfused_epilogue.cu checker.cpp series.cpp)
list(TRANSFORM N2S_CONV3X3_SERIES PREPEND ${PROJECT_SOURCE_DIR}/bench/conv3x3_series/)

# The tests of the CUDA backend, once for both programs: on the emulation (tests/cuda) and on a real GPU (tests/gpu).
# NAME stands for tests/cuda/NAME_cuda_test.cpp.
set(N2S_CUDA_TESTS
  batches blind_spot bm3d conv3x3 conv3x3_check evaluation gather_planes kspace metrics normalise post_processing tiles training
  training_kernels unfused)

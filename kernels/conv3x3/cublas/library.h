// The few functions of cuBLASLt that are used, as its header declares them (cublasLt.h of version 13; 12 and 11 have
// the same ones). The library is loaded when it is first requested; only the cublas variant needs it.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace n2s::device {

struct CublasFunctions {
  struct Handle;
  struct Product;
  struct Matrix;
  struct Preference;

  // Numbers of cudaDataType, cublasComputeType_t, cublasOperation_t, cublasLtMatmulDescAttributes_t and
  // cublasLtMatmulPreferenceAttributes_t.
  enum DataType : int { float32 = 0, float16 = 2, bfloat16 = 14 };
  enum Compute : int { compute_float32 = 68, compute_pedantic = 69, compute_tf32 = 77 };
  enum Operation : int { as_is = 0, transposed = 1 };
  enum Attribute : int { left_operation = 3, right_operation = 4 };
  enum Limit : int { most_workspace_bytes = 1 };

  struct Algorithm {
    std::uint64_t data[8];
  };
  /// cublasLtMatmulHeuristicResult_t: an algorithm that the library proposes.
  struct Proposal {
    Algorithm algorithm{};
    std::size_t workspace_bytes = 0;
    int status = 0;
    float waves = 0;
    int reserved[4]{};
  };

  const char* (*error_text)(int status) = nullptr;

  // All others return 0 when they succeed. Matrices are column by column.
  int (*create)(Handle** handle) = nullptr;
  int (*destroy)(Handle* handle) = nullptr;
  int (*create_product)(Product** product, Compute compute, DataType scale) = nullptr;
  int (*destroy_product)(Product* product) = nullptr;
  int (*set_product)(Product* product, Attribute attribute, const void* value, std::size_t bytes) = nullptr;
  int (*create_matrix)(Matrix** matrix, DataType type, std::uint64_t rows, std::uint64_t columns,
                       std::int64_t pitch) = nullptr;
  int (*destroy_matrix)(Matrix* matrix) = nullptr;
  int (*create_preference)(Preference** preference) = nullptr;
  int (*destroy_preference)(Preference* preference) = nullptr;
  int (*set_preference)(Preference* preference, Limit limit, const void* value, std::size_t bytes) = nullptr;
  int (*proposals)(Handle* handle, Product* product, Matrix* left, Matrix* right, Matrix* addend, Matrix* result,
                   Preference* preference, int wanted, Proposal* proposals, int* found) = nullptr;
  int (*multiply)(Handle* handle, Product* product, const void* alpha, const void* left, Matrix* left_matrix,
                  const void* right, Matrix* right_matrix, const void* beta, const void* addend, Matrix* addend_matrix,
                  void* result, Matrix* result_matrix, const Algorithm* algorithm, void* workspace,
                  std::size_t workspace_bytes, cudaStream_t stream) = nullptr;
};

bool has_cublas();
/// Throws Error where the library is not found.
const CublasFunctions& cublas();

#ifdef N2S_EMULATION
CublasFunctions emulated_cublas();
#endif

}  // namespace n2s::device

// Tiles of a stack that stays in device memory, as many planes of it at a time as fit: normalised, cut, put together
// and brought back to voxel units there.
#pragma once

#include <cuda_runtime.h>

#include <array>

#include "engine/cuda/cuda_memory.h"
#include "engine/inference/stack_tiles.h"
#include "kernels/gather_planes/cuda.h"
#include "kernels/scatter_tiles/cuda.h"

namespace n2s::device {

class CudaTiles final : public StackTiles {
 public:
  /// Throws Error when there is not enough memory for a single plane and what the network sees with it.
  CudaTiles(const TileRequest& request, Precision precision, cudaStream_t stream);
  ~CudaTiles() override;
  CudaTiles(const CudaTiles&) = delete;
  CudaTiles& operator=(const CudaTiles&) = delete;

  int planes_at_once() const override { return at_once_; }
  void load(const PlaneRange& planes, std::vector<Tile> tiles) override;
  void gather(std::size_t first, Executor& executor) override;
  void keep(std::size_t first, Executor& executor) override;
  void take() override;

 private:
  PlaneRange load_planes(const PlaneRange& planes);
  void plan(const PlaneRange& seen, std::vector<Tile> tiles);

  TileRequest request_;
  Precision precision_;
  cudaStream_t stream_;
  std::size_t pixels_;  // of a plane
  int reach_ = 0;       // planes from a target to the farthest that the network sees with it
  int at_once_ = 0;
  CudaArray<float> seen_, restored_;
  PlaneRange range_;       // of the restored planes
  std::size_t tiles_ = 0;  // of the range; the arrays are filled up to whole batches
  CudaArray<PlannedSample> samples_;
  CudaArray<PlannedPlane> windows_;
  CudaArray<KeptTile> kept_;
  // Few batches are under way at a time, so that progress means something and an error comes soon.
  std::array<CudaEvent, 4> done_;
  std::size_t batches_ = 0;
};

}  // namespace n2s::device

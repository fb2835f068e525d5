// Tiles that the host cuts and puts together, for networks that run on the CPU.
#pragma once

#include "engine/inference/stack_tiles.h"

namespace n2s {

class HostTiles final : public StackTiles {
 public:
  explicit HostTiles(const TileRequest& request);

  int planes_at_once() const override { return noisy_.planes; }
  void load(const PlaneRange& planes, std::vector<Tile> tiles) override;
  void gather(std::size_t first, Executor& executor) override;
  void keep(std::size_t first, Executor& executor) override;
  void take() override;

 private:
  TileRequest request_;
  Stack noisy_;  // normalised
  PlaneRange range_;
  std::vector<Tile> tiles_;
  std::vector<float> input_;
};

}  // namespace n2s

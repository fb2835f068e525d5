// Ranks that all do what this process does: a sum over them is the value times their number. Training with them, each
// on the same share, ends where one rank alone does on it.
#pragma once

#include "engine/runtime/ranks.h"

namespace n2s::test {

class MirroredRanks final : public Ranks {
 public:
  explicit MirroredRanks(int count) : count_(count) {}
  int rank() const override { return 0; }
  int count() const override { return count_; }
  void sum(std::span<float> values) override {
    for (float& value : values) value *= static_cast<float>(count_);
  }
  void broadcast(std::span<std::byte>) override {}

 private:
  int count_;
};

}  // namespace n2s::test

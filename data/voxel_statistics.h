// What levels are fitted from: how many voxels there are, and where they lie. Either of stacks in memory, exactly, or
// of voxels that were counted as they were read, for stacks larger than memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data/image.h"
#include "data/normalisation.h"
#include "data/stack.h"

namespace n2s {

class VoxelStatistics {
 public:
  struct Moments {
    double mean = 0, deviation = 0;  // of the population
  };

  virtual ~VoxelStatistics() = default;
  virtual std::size_t count() const = 0;
  virtual float low() const = 0;
  virtual float high() const = 0;
  /// For each rank, counted from 0: the value that would be there if the voxels were sorted.
  virtual std::vector<float> at_ranks(std::span<const std::size_t> ranks) const = 0;
  virtual std::size_t equal_to(float value) const = 0;
  virtual std::size_t below(float value) const = 0;
  /// Of the voxels up to `high` that are not `left_out`.
  virtual Moments moments(float high, std::optional<double> left_out) const = 0;
};

/// Of all voxels of all stacks, which must live as long as the object. Throws Error for voxels that are not finite.
class StackStatistics final : public VoxelStatistics {
 public:
  StackStatistics(const std::vector<const Stack*>& stacks, const OrderStatistics& find);
  std::size_t count() const override { return count_; }
  float low() const override { return low_; }
  float high() const override { return high_; }
  std::vector<float> at_ranks(std::span<const std::size_t> ranks) const override { return (*find_)(*stacks_, ranks); }
  std::size_t equal_to(float value) const override;
  std::size_t below(float value) const override;
  Moments moments(float high, std::optional<double> left_out) const override;

 private:
  const std::vector<const Stack*>* stacks_;
  const OrderStatistics* find_;
  std::size_t count_ = 0;
  float low_ = 0, high_ = 0;
};

/// Of voxels that are added in any order, in one pass and 8 MiB. Samples of 8 and 16 bits are counted exactly. Others
/// are counted by their sign, exponent and first 11 bits of mantissa: a value that is returned differs from the exact
/// one by less than 0.05 % of itself (2^-11); minimum and maximum are exact.
class CountedVoxels final : public VoxelStatistics {
 public:
  /// `header`: sample type, slope and intercept of the file.
  explicit CountedVoxels(const Image& header);

  /// Voxels that are not finite do not count.
  void add(std::span<const float> values);
  /// Those that `other` has counted, as it returns them.
  void add(const CountedVoxels& other);

  std::size_t count() const override { return count_; }
  float low() const override { return low_; }
  float high() const override { return high_; }
  std::vector<float> at_ranks(std::span<const std::size_t> ranks) const override;
  std::size_t equal_to(float value) const override;
  std::size_t below(float value) const override;
  Moments moments(float high, std::optional<double> left_out) const override;

 private:
  std::size_t bin_of(float value) const;
  float value_of(std::size_t bin) const;

  bool exact_ = false;  // one bin for each integer that the type has
  double first_ = 0;    // the integer of the first bin
  double slope_ = 1, intercept_ = 0;
  std::vector<std::uint64_t> counts_;
  std::size_t count_ = 0;
  float low_ = 0, high_ = 0;
};

/// fit_normalisation() and bulk_levels() of normalisation.h, from these.
Normalisation fit_normalisation(const VoxelStatistics& voxels, const NormalisationOptions& options);
BulkLevels bulk_levels(const VoxelStatistics& voxels);

}  // namespace n2s

// Normalises voxel values for the network, and maps its output back: an affine map, fitted to a stack or to several
// together. Source: Papkov et al. 2020 (MRI: "range"; microscopy: "percentile", as in
// CARE, Weigert et al. 2018); percentiles are numpy's default (linear interpolation), computed in double.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/stack.h"

namespace n2s {

/// normalised = value * scale + offset, then held within [clip_low, clip_high] where these are set.
/// scale: 1 / voxel unit, never 0; offset and the clip limits have no unit.
struct Normalisation {
  std::string kind = "none";  // what it was fitted as; does not change the map
  double scale = 1, offset = 0;
  std::optional<double> clip_low, clip_high;
  std::optional<double> background{};  // voxel value that the statistics left out (leave_out_background); not stored
};

struct NormalisationOptions {
  /// "none":       values stay as they are
  /// "range":      divided by the maximum (or by `range_percentile`), minus 0.5
  /// "robust-range": the 99.9th percentile becomes 0.5; 0 becomes -0.5, or the 0.1th percentile where the values lie
  ///               far from 0 or on both sides of it
  /// "percentile": `low_percentile` becomes 0 and `high_percentile` 1
  /// "mean-std":   mean 0, (population) standard deviation 1
  std::string kind = "none";
  double low_percentile = 3, high_percentile = 99.8;  // percent, 0 to 100
  double range_percentile = 100;                      // percent; 100 is the maximum, 99.99 ignores single hot voxels
  bool clip = false;                                  // "range" to [-0.5, 0.5], "percentile" to [0, 1]
  /// A value that more than half of the voxels have, such as the 0 around a masked head, does not count. Where the
  /// percentiles of the others coincide, minimum and maximum take their place.
  bool leave_out_background = false;
  /// The maximum does not count where several voxels have it and it lies far from the bulk: they are saturated.
  bool leave_out_saturated = false;
};

/// Where most of the voxels lie, and how far they spread; outliers do not move either.
struct BulkLevels {
  double centre = 0;  // median
  double spread = 0;  // from the 10th to the 90th percentile
};

/// Every `kind` that there is.
std::vector<std::string> normalisation_kinds();

/// The p-th percentile (0 to 100) of `values` as numpy.percentile gives it; reorders `values`, which must not be empty.
double percentile(std::span<float> values, double percent);

/// For each of `ranks`, counted from 0 and below the number of voxels: the value that would be there if the voxels of
/// all stacks were sorted together. -0 counts as 0.
using OrderStatistics =
    std::function<std::vector<float>(const std::vector<const Stack*>& stacks, std::span<const std::size_t> ranks)>;

/// Computed on the CPU, in a copy of the voxels.
std::vector<float> order_statistics(const std::vector<const Stack*>& stacks, std::span<const std::size_t> ranks);

/// Of all stacks together; a value that more than half of the voxels have does not count.
BulkLevels bulk_levels(const std::vector<const Stack*>& stacks, const OrderStatistics& find = order_statistics);

/// One map for all stacks together: their voxels are pooled, so that intensities stay comparable between them.
/// Percentiles are interpolated between what `find` finds. The voxels must be finite (see check_finite). Throws Error:
/// unknown kind, percentiles out of range or order, no voxels, every voxel the same, or a divisor that is not above 0.
/// Messages name no file: the caller knows it.
Normalisation fit_normalisation(const std::vector<const Stack*>& stacks, const NormalisationOptions& options,
                                const OrderStatistics& find = order_statistics);

/// In place. `clip` false leaves the limits aside, e.g. for a truth that metrics clamp on their own.
void apply_normalisation(const Normalisation& normalisation, std::span<float> values, bool clip = true);

/// In place: back to voxel units. What was clipped stays at its limit.
void undo_normalisation(const Normalisation& normalisation, std::span<float> values);

/// {"kind", "scale", "offset"} and, where set, "clip_low", "clip_high". Reading throws Error where a field is missing
/// or of the wrong type, a number is not finite, the scale is 0 or the limits are in the wrong order.
void to_json(nlohmann::json& json, const Normalisation& normalisation);
void from_json(const nlohmann::json& json, Normalisation& normalisation);

/// Throws Error, beginning with `name`, where a voxel is NaN or infinite: how many, and where the first one is.
void check_finite(const Stack& stack, const std::string& name, int first_plane = 0);

/// The same where a whole plane is: single voxels, such as those around a mask, can be left as they are.
void check_planes_finite(const Stack& stack, const std::string& name, int first_plane = 0);

}  // namespace n2s

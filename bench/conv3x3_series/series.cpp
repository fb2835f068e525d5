// The steps in their order.
#include "bench/conv3x3_series/series.h"

#include <array>

namespace n2s::series {

std::span<const Step> steps() {
  static constexpr std::array kSteps{Step{"01_naive", naive, false},
                                     Step{"02_coalesced", coalesced, false},
                                     Step{"03_shared_tile", shared_tile, false},
                                     Step{"04_registers", registers, false},
                                     Step{"05_tensor_cores", tensor_cores, true},
                                     Step{"06_fused_epilogue", fused_epilogue, true},
                                     Step{"07_asynchronous", asynchronous, true},
                                     Step{"08_four_phases", four_phases, true}};
  return kSteps;
}

std::span<const WeightGradientStep> weight_gradient_steps() {
  static constexpr std::array kSteps{WeightGradientStep{"backward_01_atomics", atomics},
                                     WeightGradientStep{"backward_02_split_and_reduce", split_and_reduce}};
  return kSteps;
}

}  // namespace n2s::series

// See gradient_buckets.h.
#include "engine/training/gradient_buckets.h"

#include <variant>

namespace n2s {

GradientBuckets::GradientBuckets(DeviceSums& sums, const ParameterMemory& memory, double factor)
    : sums_(&sums),
      memory_(&memory),
      factor_(factor),
      made_(memory.layout().layers.size()),
      next_layer_(made_.size()),
      begun_(memory.layout().total) {}

void GradientBuckets::ran(const Operation& operation) {
  constexpr std::size_t kBucket = std::size_t{1} << 18;  // floats: a MiB
  const auto* weight = std::get_if<ConvolutionWeightGradient>(&operation);
  if (weight == nullptr) return;
  made_.at(static_cast<std::size_t>(weight->layer)) = true;
  while (next_layer_ > 0 && made_[next_layer_ - 1]) --next_layer_;
  if (next_layer_ == made_.size()) return;
  const std::size_t begin = memory_->layout().layers[next_layer_].weight.offset;
  if (begun_ - begin >= kBucket) start_from(begin);
}

void GradientBuckets::finish() {
  start_from(0);
  sums_->finish();
}

void GradientBuckets::start_from(std::size_t begin) {
  if (begin < begun_) sums_->start(memory_->gradients().subspan(begin, begun_ - begin), factor_);
  begun_ = begin;
}

}  // namespace n2s

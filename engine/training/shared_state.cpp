// See shared_state.h.
#include "engine/training/shared_state.h"

#include <span>
#include <type_traits>
#include <vector>

namespace n2s {
namespace {

template <class Number>
void broadcast(Ranks& ranks, Number& number) {
  static_assert(std::is_arithmetic_v<Number>);
  ranks.broadcast(std::as_writable_bytes(std::span(&number, 1)));
}

void broadcast(Ranks& ranks, std::vector<float>& values) {
  std::size_t count = values.size();
  broadcast(ranks, count);
  values.resize(count);
  ranks.broadcast(std::as_writable_bytes(std::span(values)));
}

}  // namespace

void broadcast(Ranks& ranks, TrainingState& state) {
  broadcast(ranks, state.step);
  broadcast(ranks, state.total_steps);
  broadcast(ranks, state.best.loss);
  broadcast(ranks, state.best.step);
  broadcast(ranks, state.best.block_errors);
  broadcast(ranks, state.loss_scaling.scale);
  broadcast(ranks, state.loss_scaling.good_steps);
  broadcast(ranks, state.parameters);
  broadcast(ranks, state.first_moment);
  broadcast(ranks, state.second_moment);
}

}  // namespace n2s

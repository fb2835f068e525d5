// Lifetimes first, then placement: the largest values first, each at the lowest free offset.
#include "engine/graph/plan.h"

#include <algorithm>
#include <numeric>

namespace n2s {
namespace {

constexpr std::size_t kAlignment = 256;

struct Request {
  std::size_t bytes;
  Lifetime life;
  Placement* placement;
};

bool overlap(const Lifetime& a, const Lifetime& b) {
  return a.first <= b.last && b.first <= a.last;
}

std::size_t lowest_free_offset(const Request& request, const std::vector<Request>& placed) {
  std::vector<Placement> taken;
  for (const Request& other : placed)
    if (overlap(request.life, other.life)) taken.push_back(*other.placement);
  std::sort(taken.begin(), taken.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
  std::size_t offset = 0;
  for (const Placement& block : taken) {
    if (offset + request.bytes <= block.offset) break;
    offset = std::max(offset, block.offset + block.bytes);
  }
  return offset;
}

}  // namespace

std::vector<Lifetime> lifetimes(const Graph& graph) {
  std::vector<Lifetime> lives(graph.values.size());
  const auto count = static_cast<int>(graph.operations.size());
  std::vector<bool> seen(graph.values.size(), false);
  const auto touch = [&](ValueId id, int when) {
    if (id == kNone) return;
    Lifetime& life = lives[static_cast<std::size_t>(id)];
    if (!seen[static_cast<std::size_t>(id)]) life = {when, when};
    seen[static_cast<std::size_t>(id)] = true;
    life.last = when;
  };
  touch(graph.input, -1);
  touch(graph.target, -1);
  for (int i = 0; i < count; ++i) {
    const Access a = access(graph.operations[static_cast<std::size_t>(i)]);
    for (const ValueId v : a.reads) touch(v, i);
    for (const ValueId v : a.writes) touch(v, i);
  }
  touch(graph.output, count);
  return lives;
}

Plan make_plan(const Graph& graph, const PlanSizes& sizes) {
  Plan plan;
  plan.values.resize(graph.values.size());
  plan.packed.resize(graph.operations.size());
  plan.scratch.resize(graph.operations.size());
  const auto end = static_cast<int>(graph.operations.size());
  std::vector<Request> requests;
  const auto ask = [&](std::size_t bytes, Lifetime life, Placement& placement) {
    const std::size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    placement.bytes = rounded;
    if (rounded > 0 && !life.empty()) requests.push_back({rounded, life, &placement});
  };
  const std::vector<Lifetime> lives = lifetimes(graph);
  for (std::size_t v = 0; v < graph.values.size(); ++v) {
    if (lives[v].empty()) continue;  // fused away
    ask(sizes.values[v], lives[v], plan.values[v]);
  }
  for (std::size_t i = 0; i < graph.operations.size(); ++i) {
    ask(sizes.packed[i], {-1, end}, plan.packed[i]);
    ask(sizes.scratch[i], {static_cast<int>(i), static_cast<int>(i)}, plan.scratch[i]);
  }
  std::stable_sort(requests.begin(), requests.end(), [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
  std::vector<Request> placed;
  for (const Request& request : requests) {
    request.placement->offset = lowest_free_offset(request, placed);
    plan.arena_bytes = std::max(plan.arena_bytes, request.placement->offset + request.bytes);
    placed.push_back(request);
  }
  return plan;
}

}  // namespace n2s

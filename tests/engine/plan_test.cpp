// The memory plan: who is alive when, and that nobody sits on anybody else's memory.
#include "engine/graph/plan.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "engine/cpu/cpu_backend.h"
#include "engine/graph/autograd.h"
#include "engine/graph/fusion.h"
#include "engine/runtime/executor.h"
#include "nets/network.h"

using namespace n2s;

namespace {

struct NamedGraph {
  std::string name;
  Graph graph;
};

std::vector<NamedGraph> all_graphs() {
  std::vector<NamedGraph> graphs;
  for (const Network& network : networks())
    for (const int planes : {1, 4}) {
      const Graph plain = network.build(planes);
      const std::string name = fmt::format("{} {}", network.name, planes);
      graphs.push_back({name + " plain", plain});
      graphs.push_back({name + " fused", fuse(plain)});
      graphs.push_back({name + " plain, training", differentiate(plain)});
      graphs.push_back({name + " fused, training", differentiate(fuse(plain))});
    }
  return graphs;
}

/// Worked out anew, operation by operation, without the plan's own code: is `value` in use at time `when`? Times are
/// indices of operations; -1 is before the first and operations.size() after the last.
struct Use {
  int first = 0, last = -1;
  bool ever() const { return last >= first; }
  bool at(int when) const { return first <= when && when <= last; }
};

std::vector<Use> uses_of(const Graph& graph) {
  const auto count = static_cast<int>(graph.operations.size());
  std::vector<Use> uses(graph.values.size(), {count + 1, -2});
  const auto mark = [&](ValueId value, int when) {
    if (value == kNone) return;
    Use& use = uses[static_cast<std::size_t>(value)];
    use = {std::min(use.first, when), std::max(use.last, when)};
  };
  mark(graph.input, -1);
  mark(graph.target, -1);
  mark(graph.output, count);
  for (int i = 0; i < count; ++i) {
    const Access a = access(graph.operations[static_cast<std::size_t>(i)]);
    for (const ValueId value : a.reads) mark(value, i);
    for (const ValueId value : a.writes) mark(value, i);
  }
  return uses;
}

struct Block {
  Placement place;
  Use use;
};

std::vector<Block> blocks_of(const Graph& graph, const Plan& plan) {
  const auto count = static_cast<int>(graph.operations.size());
  const std::vector<Use> uses = uses_of(graph);
  std::vector<Block> blocks;
  const auto add = [&](const Placement& place, const Use& use) {
    if (place.bytes > 0) blocks.push_back({place, use});
  };
  for (std::size_t v = 0; v < uses.size(); ++v) add(plan.values[v], uses[v]);
  for (int i = 0; i < count; ++i) {
    add(plan.packed[static_cast<std::size_t>(i)], {-1, count});
    add(plan.scratch[static_cast<std::size_t>(i)], {i, i});
  }
  return blocks;
}

/// Pairs of blocks that are in use at the same time and share a byte, and blocks that leave the arena.
int conflicts(const std::vector<Block>& blocks, std::size_t arena_bytes) {
  int found = 0;
  for (std::size_t a = 0; a < blocks.size(); ++a) {
    const Placement& left = blocks[a].place;
    if (left.offset % 256 != 0 || left.offset + left.bytes > arena_bytes) ++found;
    for (std::size_t b = 0; b < a; ++b) {
      const Placement& right = blocks[b].place;
      const bool together = blocks[a].use.first <= blocks[b].use.last && blocks[b].use.first <= blocks[a].use.last;
      const bool shared = left.offset < right.offset + right.bytes && right.offset < left.offset + left.bytes;
      if (together && shared) ++found;
    }
  }
  return found;
}

std::size_t largest_live_set(const std::vector<Block>& blocks, int operations) {
  std::size_t largest = 0;
  for (int when = -1; when <= operations; ++when) {
    std::size_t live = 0;
    for (const Block& block : blocks)
      if (block.use.at(when)) live += block.place.bytes;
    largest = std::max(largest, live);
  }
  return largest;
}

double gib(std::size_t bytes) {
  return static_cast<double>(bytes) / (1 << 30);
}

}  // namespace

TEST_CASE("lifetimes reach from the first writing to the last reading") {
  GraphBuilder g;
  const ValueId in = g.input(1);
  const ValueId a = g.conv3x3("a", in, 8);   // operation 0
  const ValueId b = g.activation(a, 0.1F);   // 1
  const ValueId c = g.maxpool2(b);           // 2
  const ValueId d = g.upsample2(c);          // 3
  const ValueId e = g.concat(d, b);          // 4
  const ValueId out = g.conv3x3("b", e, 1);  // 5
  const std::vector<Lifetime> lives = lifetimes(g.finish(out));
  const auto is = [&](ValueId value, int first, int last) {
    const Lifetime& life = lives[static_cast<std::size_t>(value)];
    CHECK(life.first == first);
    CHECK(life.last == last);
  };
  is(in, -1, 0);
  is(a, 0, 1);
  is(b, 1, 4);
  is(c, 2, 3);
  is(d, 3, 4);
  is(e, 4, 5);
  is(out, 5, 6);
}

TEST_CASE("no two blocks in use at the same time share memory, and the arena is no larger than it must be") {
  const CpuBackend backend({.threads = 1});
  for (const auto& named : all_graphs()) {
    const auto& name = named.name;
    const auto& graph = named.graph;
    CAPTURE(name);
    for (const Extents& extents : {Extents{1, 32, 32}, Extents{3, 64, 96}, Extents{16, 64, 64}}) {
      CAPTURE(extents.width);
      const Plan plan = plan_for(backend, graph, extents);
      const std::vector<Block> blocks = blocks_of(graph, plan);
      CHECK(conflicts(blocks, plan.arena_bytes) == 0);
      const std::size_t floor = largest_live_set(blocks, static_cast<int>(graph.operations.size()));
      const std::size_t sum = std::accumulate(blocks.begin(), blocks.end(), std::size_t{0},
                                              [](std::size_t total, const Block& b) { return total + b.place.bytes; });
      CHECK(plan.arena_bytes >= floor);
      CHECK(plan.arena_bytes <= sum);
      // Greedy placement is not optimal, but gaps of more than a tenth would mean that it has gone wrong.
      CHECK(static_cast<double>(plan.arena_bytes) <= 1.1 * static_cast<double>(floor));
    }
  }
}

TEST_CASE("every value in use has room for its numbers, and every other one has none") {
  const CpuBackend backend({.threads = 1});
  const Extents extents{3, 64, 96};
  for (const auto& named : all_graphs()) {
    const auto& name = named.name;
    const auto& graph = named.graph;
    CAPTURE(name);
    const Plan plan = plan_for(backend, graph, extents);
    const std::vector<Use> uses = uses_of(graph);
    for (std::size_t v = 0; v < graph.values.size(); ++v) {
      const std::size_t element = graph.values[v].type == ValueType::argmax2 ? 1 : sizeof(float);
      const auto needed = static_cast<std::size_t>(shape_of(graph.values[v], extents).elements()) * element;
      if (uses[v].ever())
        CHECK(plan.values[v].bytes >= needed);
      else
        CHECK(plan.values[v].bytes == 0);
    }
  }
}

TEST_CASE("training the MRI net on 16 images of 256x256 takes at most 3.5 GiB") {
  const CpuBackend backend;
  for (const int planes : {1, 4, 5, 7}) {
    const Graph plain = find_network("mri").build(planes);
    const std::size_t fused = plan_for(backend, differentiate(fuse(plain)), {16, 256, 256}).arena_bytes;
    const std::size_t unfused = plan_for(backend, differentiate(plain), {16, 256, 256}).arena_bytes;
    MESSAGE(fmt::format("MRI net, {} planes: {:.2f} GiB fused, {:.2f} GiB plain", planes, gib(fused), gib(unfused)));
    CHECK(gib(fused) <= 3.5);
    CHECK(fused < unfused);
  }
}

TEST_CASE("an empty graph part takes no memory and scratch is shared between operations") {
  GraphBuilder g;
  const ValueId a = g.activation(g.input(1), 0.5F);
  const ValueId b = g.activation(a, 0.5F);
  const Graph graph = g.finish(b);
  const Plan plan = make_plan(graph, {{100, 100, 100}, {0, 0}, {1000, 900}});
  CHECK(plan.packed[0].bytes == 0);
  // One value and one scratch block have to be shared: input, a and scratch live together, then a, b and scratch.
  CHECK(plan.arena_bytes == 1024 + 256 + 256);
}

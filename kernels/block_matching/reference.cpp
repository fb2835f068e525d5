// Block matching by definition: all candidates of each reference block, sorted.
#include <algorithm>

#include "kernels/block_matching/block_matching.h"

namespace n2s {
namespace {

double distance(const PlaneView& plane, int block, int y, int x, Shift shift) {
  double sum = 0;
  for (int i = 0; i < block; ++i)
    for (int j = 0; j < block; ++j) {
      const float* pixel = plane.data + (y + i) * plane.stride + x + j;
      const double difference = double{pixel[0]} - double{pixel[shift.y * plane.stride + shift.x]};
      sum += difference * difference;
    }
  return sum;
}

}  // namespace

void match_blocks_reference(const PlaneView& plane, const BlockSearch& search, const std::vector<Shift>& order, int row,
                            BlockGroups& groups) {
  struct Candidate {
    double distance;
    std::uint16_t shift;
  };
  const int y = reference_at(row, plane.height, search.block, search.step);
  const int references = reference_count(plane.width, search.block, search.step);
  groups = {};
  for (int reference = 0; reference < references; ++reference) {
    const int x = reference_at(reference, plane.width, search.block, search.step);
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const int top = y + order[i].y, left = x + order[i].x;
      if (top < 0 || left < 0 || top + search.block > plane.height || left + search.block > plane.width) continue;
      const double d = distance(plane, search.block, y, x, order[i]);
      if (d < double{search.farthest}) candidates.push_back({d, static_cast<std::uint16_t>(i)});
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Candidate& a, const Candidate& b) { return a.distance < b.distance; });
    candidates.resize(std::min(candidates.size(), static_cast<std::size_t>(search.most)));
    groups.counts.push_back(static_cast<int>(candidates.size()));
    candidates.resize(static_cast<std::size_t>(search.most));
    for (const Candidate& candidate : candidates) groups.members.push_back(candidate.shift);
  }
}

}  // namespace n2s

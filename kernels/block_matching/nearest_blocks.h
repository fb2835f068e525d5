// The sorted lists of a row of reference blocks, as candidates come in.
#pragma once

#include <cstddef>
#include <cstdint>

namespace n2s {

struct NearestBlocks {
  int most;
  float* distances;        // `most` per reference, ascending
  float* farthest;         // per reference: what a candidate must be nearer than
  int* counts;             // per reference
  std::uint16_t* members;  // `most` per reference

  /// Puts a candidate that is nearer than farthest[reference] behind those that are not farther than it.
  void insert(std::ptrdiff_t reference, float distance, std::uint16_t shift) const {
    float* of_list = distances + reference * most;
    std::uint16_t* shifts = members + reference * most;
    int& count = counts[reference];
    if (count < most) ++count;
    int place = count - 1;
    for (; place > 0 && of_list[place - 1] > distance; --place) {
      of_list[place] = of_list[place - 1];
      shifts[place] = shifts[place - 1];
    }
    of_list[place] = distance;
    shifts[place] = shift;
    if (count == most) farthest[reference] = of_list[count - 1];
  }
};

}  // namespace n2s

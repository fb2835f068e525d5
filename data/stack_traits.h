// What a model has seen of a stack, in three numbers: enough to notice that another stack is of another kind.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "data/stack.h"

namespace n2s {

/// Of a normalised stack.
struct StackTraits {
  double noise = 0;       // standard deviation of what differs from pixel to pixel (Immerkaer 1996, with a median)
  double contrast = 0;    // standard deviation of all voxels
  double similarity = 0;  // correlation of neighbouring planes, mean; 0 for a single plane
};

/// From at most sixteen pairs of neighbouring planes, spread over the stack.
StackTraits stack_traits(const Stack& normalised);

/// The planes of sample_pairs(), by number; of `most` pairs at most.
std::vector<int> sampled_planes(int planes, int most = 16);

/// Pairs of so large planes that take 64 MiB at most; two at least.
int pairs_to_sample(std::size_t plane_pixels);

/// The pairs of planes that stack_traits() looks at, one after the other.
Stack sample_pairs(const Stack& stack);

/// One line for each trait by which `now` is unlike what the model learned from; none where they are alike.
std::vector<std::string> unlike(const StackTraits& trained, const StackTraits& now);

void to_json(nlohmann::json& json, const StackTraits& traits);
/// Throws nlohmann::json::exception where a number is missing.
void from_json(const nlohmann::json& json, StackTraits& traits);

}  // namespace n2s

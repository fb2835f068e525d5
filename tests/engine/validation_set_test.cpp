// Which windows validate, their errors block by block, and when one model is better than another.
#include "engine/training/validation_set.h"

#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "tests/engine/numbered_stacks.h"

using namespace n2s;
using namespace n2s::test;

TEST_CASE("the validation set is the held-out planes, with fixed noise") {
  std::vector<TrainingStack> stacks = two_copies(9);
  stacks[0].held_out = {3, 8};
  BatchSettings settings = settings_for("noise2stack", 3);
  const ValidationSet set = make_validation_set(stacks, settings, 32);
  CHECK(set.batches == 2);
  CHECK(set.extents == Extents{1, 32, 32});
  CHECK(set.targets.front() == 103);
  CHECK(set.targets.back() == 108);
  CHECK(std::vector<float>(set.inputs.begin(), set.inputs.begin() + 3) == std::vector<float>{2, 3, 4});
  CHECK(make_validation_set(one_copy(4), settings_for("noise2stack", 2), 32).batches == 0);

  std::vector<TrainingStack> clean = one_copy(9);
  clean[0].held_out = {4};
  settings = settings_for("noise2stack", 2);
  settings.noise = GaussianNoise{0.1};
  const ValidationSet noisy = make_validation_set(clean, settings, 32);
  CHECK(noisy.inputs == make_validation_set(clean, settings, 32).inputs);
  CHECK(noisy.targets == make_validation_set(clean, settings, 32).targets);
  CHECK(noisy.targets.front() != 4);
  settings = settings_for("noise2clean", 3);
  settings.noise = GaussianNoise{0.1};
  CHECK(make_validation_set(clean, settings, 32).targets == std::vector<float>(kPixels, 4));
}

TEST_CASE("validation windows cover whole planes; where there are too many, a part is spread over all planes") {
  Stack counted{10, 40, 50, {}};
  for (int i = 0; i < 10 * 40 * 50; ++i) counted.voxels.push_back(static_cast<float>(i));
  const std::vector<TrainingStack> stacks{{counted, std::nullopt, {2, 5, 9}, {}}};
  const BatchSettings settings = settings_for("noise2stack", 2);
  const ValidationSet all = make_validation_set(stacks, settings, 4, {20, 100});
  CHECK(all.extents == Extents{1, 20, 20});
  CHECK(all.batches == 3 * 2 * 3);  // the third window of a row overlaps the second
  std::set<float> seen(all.targets.begin(), all.targets.end());
  std::set<float> expected;
  for (const int plane : {2, 5, 9})
    for (int i = 0; i < 40 * 50; ++i) expected.insert(static_cast<float>(plane * 40 * 50 + i));
  CHECK(seen == expected);

  const ValidationSet part = make_validation_set(stacks, settings, 4, {20, 9});
  CHECK(part.batches == 9);
  std::set<int> planes;
  std::set<float> corners;
  for (std::size_t i = 0; i < part.targets.size(); i += 400) {
    planes.insert(static_cast<int>(part.targets[i]) / (40 * 50));
    corners.insert(part.targets[i]);
  }
  CHECK(planes == std::set<int>{2, 5, 9});
  CHECK(corners.size() == 9);  // no window twice
}

TEST_CASE("blocks of 32 pixels have their mean squared errors, smaller ones at the edges too") {
  std::vector<float> image(1280, 0.0F);  // 40 x 32
  for (std::size_t i = 1024; i < image.size(); ++i) image[i] = 3;
  std::vector<float> errors{7};
  append_block_errors(image, std::vector<float>(1280, 1.0F), {1, 40, 32}, errors);
  CHECK(errors == std::vector<float>{7, 1, 4});
}

TEST_CASE("a model is better only where the paired difference exceeds its standard error") {
  const std::vector<float> reference{1, 5, 2, 8};
  CHECK(clearly_lower(reference, {}));
  CHECK(clearly_lower(reference, std::vector<float>{1}));  // of other blocks
  CHECK_FALSE(clearly_lower(reference, reference));
  CHECK(clearly_lower(std::vector<float>{0.9F, 4.9F, 1.9F, 7.9F}, reference));  // a little, and everywhere
  CHECK_FALSE(clearly_lower(reference, std::vector<float>{0.9F, 4.9F, 1.9F, 7.9F}));
  CHECK_FALSE(clearly_lower(std::vector<float>{1, 5, 2, 7}, reference));  // one block: mean 1/4, error 1/4
  CHECK(clearly_lower(std::vector<float>{0.8F, 5, 1.9F, 7}, reference));  // mean 0.325, error 0.229
}

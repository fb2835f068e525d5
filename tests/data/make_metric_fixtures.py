"""Prints tests/data/metric_fixtures.h: what scikit-image and numpy say of images that C++ can rebuild by a formula.

    python3 tests/data/make_metric_fixtures.py > tests/data/metric_fixtures.h

Needs numpy and scikit-image (written with 2.4.6 and 0.26.0). The images are integers divided by a power of two, so
both languages hold the very same float32 values; scikit-image gets them as float64, as it would else compute in float32.
"""
import numpy as np
from skimage.metrics import normalized_root_mse, peak_signal_noise_ratio, structural_similarity

HEADER = """// What scikit-image and numpy give for images built by a formula: printed by make_metric_fixtures.py, do not edit.
#pragma once

#include <array>

struct MetricFixture {
  int height, width, seed;
  bool clamp, affine;
  double range, psnr, ssim, nrmse;
};

struct PercentileFixture {
  int count, seed;
  double percent, value;
};
"""


def hashed(count, seed):
    """Integers 0 to 1023, from 32-bit arithmetic that wraps as unsigned does in C++."""
    i = np.arange(count, dtype=np.uint64)
    h = (i * 2654435761 + seed * 40503) & 0xFFFFFFFF
    h ^= h >> 15
    h = (h * 2246822519) & 0xFFFFFFFF
    h ^= h >> 13
    return (h & 1023).astype(np.int64)


def images(height, width, seed):
    """A truth of ramps and blocks, about -0.7 to 0.7, and the result: the truth with noise, a gain and an offset."""
    row, column = np.mgrid[0:height, 0:width].astype(np.int64)
    whole = (row * 37 + column * 11) % 1024 + ((row // 5 + column // 9) % 2) * 400 - 712
    noise = hashed(height * width, seed).reshape(height, width) - 512
    truth = (whole / 1024).astype(np.float32)
    result = ((whole * 3 + noise + 256) / 4096).astype(np.float32)
    return result.astype(np.float64), truth.astype(np.float64)


def metrics(height, width, seed, clamp, affine, data_range):
    result, truth = images(height, width, seed)
    if affine:
        alpha = np.mean((result - result.mean()) * (truth - truth.mean())) / result.var()
        result = alpha * result + truth.mean() - alpha * result.mean()
    if clamp:
        result, truth = np.clip(result, -0.5, 0.5), np.clip(truth, -0.5, 0.5)
    return (peak_signal_noise_ratio(truth, result, data_range=data_range),
            structural_similarity(truth, result, data_range=data_range),
            normalized_root_mse(truth, result, normalization="euclidean"))


def main():
    print(HEADER)
    cases = [(size, clamp, affine, data_range) for size in [(64, 64), (31, 47), (7, 7), (7, 20), (101, 8)]
             for clamp, affine, data_range in [(False, False, 1.0), (True, False, 1.0), (False, True, 1.0),
                                               (True, True, 1.0), (False, False, 2.5)]]
    print(f"constexpr std::array<MetricFixture, {len(cases)}> kMetricFixtures{{{{")
    for seed, ((height, width), clamp, affine, data_range) in enumerate(cases, 1):
        numbers = ", ".join(f"{v:.15g}" for v in metrics(height, width, seed, clamp, affine, data_range))
        flags = f"{str(clamp).lower()}, {str(affine).lower()}"
        print(f"    {{{height}, {width}, {seed}, {flags}, {data_range}, {numbers}}},")
    print("}};\n")
    wanted = [(count, percent) for count in (2, 3, 10, 100, 1003) for percent in (0, 0.1, 3, 25, 50, 99.8, 99.99, 100)]
    print(f"constexpr std::array<PercentileFixture, {len(wanted)}> kPercentileFixtures{{{{")
    for count, percent in wanted:
        values = hashed(count, count).astype(np.float64) / 64 - 4
        print(f"    {{{count}, {count}, {percent}, {np.percentile(values, percent):.17g}}},")
    print("}};")


if __name__ == "__main__":
    main()

// See simulated_plate.h.
#include "tools/experiments/simulated_plate.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "data/image.h"
#include "data/nuclei_phantom.h"
#include "engine/training/plane_noise.h"
#include "kernels/base/philox.h"

namespace n2s {
namespace {

constexpr double kGain = 10;      // counts per event
constexpr double kReadNoise = 3;  // counts
constexpr double kOffset = 100;   // counts
constexpr double kLongExposure = 5;
constexpr double kBrightfield = 60;  // events per unit of light, for each event of fluorescence

/// What the camera adds to each image: every pixel, and every column, has an offset of its own.
std::vector<float> camera_pattern(int side, std::uint64_t seed) {
  constexpr double kOfPixels = 2.5;  // counts
  constexpr double kOfColumns = 2;
  const RandomKey pixels{seed, Purpose::camera, 0, 0, 0};
  const RandomKey columns{seed, Purpose::camera, 0, 1, 0};
  std::vector<float> pattern;
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x)
      pattern.push_back(
          static_cast<float>(kOffset + kOfColumns * random_normal(columns, static_cast<std::uint32_t>(x)) +
                             kOfPixels * random_normal(pixels, static_cast<std::uint32_t>(y * side + x))));
  return pattern;
}

/// Spreads noise over neighbouring pixels by (a, 1, a) in rows and columns, so that they are correlated; its variance
/// stays.
void correlate(double correlation, int side, std::span<float> noise) {
  const double a = (1 - std::sqrt(1 - 2 * correlation * correlation)) / (2 * correlation);
  const auto weight = static_cast<float>(a);
  const auto norm = static_cast<float>(1 / std::sqrt(1 + 2 * a * a));
  const auto along = [&](std::size_t step, std::size_t of_line, std::size_t line_step) {
    std::vector<float> line(static_cast<std::size_t>(side));
    for (std::size_t l = 0; l < of_line; ++l) {
      float* first = noise.data() + l * line_step;
      for (std::size_t i = 0; i < line.size(); ++i) {
        const float before = first[(i > 0 ? i - 1 : 1) * step];
        const float after = first[(i + 1 < line.size() ? i + 1 : i - 1) * step];
        line[i] = norm * (first[i * step] + weight * (before + after));
      }
      for (std::size_t i = 0; i < line.size(); ++i) first[i * step] = line[i];
    }
  };
  const auto width = static_cast<std::size_t>(side);
  along(1, width, width);
  along(width, width, 1);
}

/// One channel of a field, in counts.
struct Channel {
  int number = 0;
  const Stack* light = nullptr;
  double events = 0;  // per unit of light
};

class FieldWriter {
 public:
  FieldWriter(const std::filesystem::path& folder, const PlateSettings& settings, bool overwrite, ThreadPool& pool)
      : folder_(folder),
        settings_(settings),
        overwrite_(overwrite),
        pool_(pool),
        pattern_(camera_pattern(settings.side, settings.seed)) {}

  long write(int well, int field) {
    const auto number = static_cast<std::uint32_t>(well * settings_.fields + field);
    const NucleiPlanes planes =
        nuclei_phantom({settings_.planes, settings_.side, settings_.side, settings_.seed, number}, pool_);
    const std::array channels{Channel{1, &planes.fluorescence, settings_.events},
                              Channel{2, &planes.fluorescence, settings_.events * kLongExposure},
                              Channel{3, &planes.brightfield, settings_.events * kBrightfield}};
    for (const Channel& channel : channels)
      write_channel(channel, number, fmt::format("r01c{:02}f{:02}", well + 1, field + 1));
    return static_cast<long>(channels.size()) * settings_.planes;
  }

 private:
  void write_channel(const Channel& channel, std::uint32_t field, const std::string& name) {
    Stack counts = *channel.light;
    for (float& value : counts.voxels) value *= static_cast<float>(kGain * channel.events);
    const auto stack = static_cast<int>(field) * 3 + channel.number;
    const Stack clean = std::exchange(counts, corrupt_stack(PoissonNoise{kGain, kReadNoise}, counts, settings_.seed,
                                                            Purpose::noise_input, stack, pool_));
    pool_.parallel_for(counts.planes, [&](std::ptrdiff_t plane, int) {
      if (settings_.correlation > 0) correlate_noise(plane_of(clean, plane), plane_of(counts, plane));
      Image image;
      const auto side = static_cast<std::size_t>(settings_.side);
      image.axes = {{'Y', side, 0.3}, {'X', side, 0.3}};
      image.unit = "micron";
      image.type = SampleType::uint16;
      const std::span<const float> seen = plane_of(counts, plane);
      image.values.assign(seen.begin(), seen.end());
      for (std::size_t i = 0; i < seen.size(); ++i) image.values[i] += pattern_[i];
      WriteOptions write;
      write.overwrite = overwrite_;
      write_image(folder_ / fmt::format("{}p{:02}-ch{}sk1fk1fl1.tiff", name, plane + 1, channel.number), image, write);
    });
  }

  void correlate_noise(std::span<const float> clean, std::span<float> noisy) const {
    for (std::size_t i = 0; i < noisy.size(); ++i) noisy[i] -= clean[i];
    correlate(settings_.correlation, settings_.side, noisy);
    for (std::size_t i = 0; i < noisy.size(); ++i) noisy[i] += clean[i];
  }

  const std::filesystem::path& folder_;
  const PlateSettings& settings_;
  bool overwrite_;
  ThreadPool& pool_;
  std::vector<float> pattern_;
};

}  // namespace

long simulate_plate(const std::filesystem::path& folder, const PlateSettings& settings, bool overwrite,
                    ThreadPool& pool) {
  FieldWriter writer(folder, settings, overwrite, pool);
  long files = 0;
  for (int well = 0; well < settings.wells; ++well)
    for (int field = 0; field < settings.fields; ++field) files += writer.write(well, field);
  return files;
}

}  // namespace n2s

// Prepares the brain, corrupts it, trains on it, restores it, and prints the metrics.
#include "tools/verbs/demo.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "data/atomic_file.h"
#include "data/phantom.h"
#include "engine/inference/post_processing.h"
#include "tools/common.h"
#include "tools/json_output.h"
#include "tools/measuring.h"
#include "tools/model_use.h"
#include "tools/pictures/result_pictures.h"
#include "tools/progress.h"
#include "tools/report/compared_planes.h"
#include "tools/report/example_planes.h"
#include "tools/report/metrics_report.h"
#include "tools/report/page.h"
#include "tools/report/run_report.h"
#include "tools/run_folder.h"
#include "tools/training_run.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

constexpr const char* kColin27 = "/usr/share/mricron/templates/ch2.nii.gz";  // Debian package mricron-data
constexpr int kPlanes = 100;                                                 // from the middle, as in the paper
constexpr int kSide = 256;                                                   // pixels; planes are padded to it
constexpr int kFirstMeasured = 5;                                            // plane
constexpr int kMeasuredStep = 10;                                            // planes
constexpr float kBackground = -0.5F;
const KspaceNoise kDemoNoise{0.1};

struct DemoOptions {
  CommonOptions common;
  std::string folder = "n2s-demo", page;
  double minutes = 3;
  long steps = 0;
};

/// The middle planes of a volume, scaled by the 99.99th percentile to [-0.5, 0.5], clipped and padded.
Stack prepare(Stack volume, const Device& device, const CommonOptions& common) {
  NormalisationOptions range;
  range.kind = "range";
  range.range_percentile = 99.99;
  range.clip = true;
  apply_normalisation(fit_normalisation({&volume}, range, device, common), volume.voxels);
  Stack stack{kPlanes, kSide, kSide, {}};
  stack.voxels.assign(static_cast<std::size_t>(kPlanes) * kSide * kSide, kBackground);
  const int first = (volume.planes - kPlanes) / 2;
  const int top = (kSide - volume.height) / 2;
  const int left = (kSide - volume.width) / 2;
  for (int p = 0; p < kPlanes; ++p)
    for (int y = 0; y < volume.height; ++y) {
      const auto row = volume.voxels.begin() + (std::ptrdiff_t{first + p} * volume.height + y) * volume.width;
      std::copy(row, row + volume.width, stack.voxels.begin() + (std::ptrdiff_t{p} * kSide + top + y) * kSide + left);
    }
  return stack;
}

Stack truth(const Device& device, const CommonOptions& common) {
  if (fs::exists(kColin27)) {
    const Image image = read_image(kColin27);
    return prepare(take_stack(image, select_stack(image)), device, common);
  }
  say(common, "{} is missing (Debian package mricron-data); using a built-in phantom instead of a real brain",
      kColin27);
  return prepare(head_phantom(kPlanes, 217, 181), device, common);
}

/// Over every tenth plane, as all figures of this demo.
StackMetrics measure(const Stack& result, const Stack& clean, const Device& device, const CommonOptions& common) {
  const auto pick = [](const Stack& stack) {
    Stack picked{0, stack.height, stack.width, {}};
    const std::ptrdiff_t pixels = std::ptrdiff_t{stack.height} * stack.width;
    for (int p = kFirstMeasured; p < stack.planes; p += kMeasuredStep) {
      const auto plane = stack.voxels.begin() + p * pixels;
      picked.voxels.insert(picked.voxels.end(), plane, plane + pixels);
      ++picked.planes;
    }
    return picked;
  };
  MetricOptions options;
  options.clamp = true;
  return stack_metrics(pick(result), pick(clean), options, device, common);
}

void write(const fs::path& path, const Stack& stack) {
  Image image = image_of(stack);
  image.unit = "mm";
  WriteOptions options;
  options.overwrite = true;
  write_image(path, image, options);
}

nlohmann::json numbers(const StackMetrics& m) {
  return {{"psnr", m.psnr.mean}, {"ssim", m.ssim.mean}, {"nrmse", m.nrmse.mean}};
}

std::string decibels(const char* name, const StackMetrics& m) {
  return fmt::format("{}  {:.1f} dB", name, m.psnr.mean);
}

void print_table(const StackMetrics& noisy, const StackMetrics& restored, const StackMetrics& post) {
  fmt::print("{:<16}{:>10}{:>8}{:>8}\n", "", "PSNR, dB", "SSIM", "NRMSE");
  const auto row = [](const char* name, const StackMetrics& m) {
    fmt::print("{:<16}{:>10.2f}{:>8.3f}{:>8.3f}\n", name, m.psnr.mean, m.ssim.mean, m.nrmse.mean);
  };
  row("noisy", noisy);
  row("restored", restored);
  row("post-processed", post);
}

TrainingRequest training(const DemoOptions& o, std::vector<TrainingStack>& stacks, const Device& device,
                         ThreadPool& pool) {
  TrainingOptions options;
  options.planes = 4;
  options.crop = 64;
  options.normalisation = "none";
  options.held_out = 2;
  options.length.steps = o.steps;
  options.length.minutes = o.steps > 0 ? 0 : o.minutes;
  VoxelMemory unused;
  TrainingRequest request = prepare_training(options, find_network("mri"), o.common, stacks, unused, device, pool);
  request.folder = fs::path(o.folder) / "run";
  return request;
}

void write_page(const DemoOptions& o, const std::vector<NamedMetrics>& measured, const ComparedPlanes& planes) {
  const std::vector<ReportedRun> runs{{"demo", fs::path(o.folder) / "run"}};
  std::string body =
      "<p>A brain volume of which only 10 % of the frequencies are kept, restored by a network that has seen nothing "
      "else.</p>\n";
  body += metrics_table(measured) + "<h2>Planes</h2>\n" + compared_viewer(planes, "Planes", 0, 1, 1);
  body += metrics_curves(measured, kFirstMeasured, kMeasuredStep) + "<h2>Details and frequencies</h2>\n";
  body += compared_details(planes) + run_curves(runs) + run_settings(runs);
  const std::string html = page_html("Noise2Stack on one brain", body);
  write_file_atomically(o.page, std::as_bytes(std::span(html)), o.common.force);
}

void demo(const DemoOptions& o) {
  if (!o.page.empty()) check_page_path(o.page, o.common.force);
  const Device device = open_device(o.common);
  ThreadPool pool(o.common.threads);
  const fs::path folder = o.folder;
  const std::unique_ptr<RunLock> lock = lock_run_folder(folder / "run", false, true);
  const Stack clean = truth(device, o.common);
  const Stack noisy = corrupt_stack(kDemoNoise, clean, o.common.seed, Purpose::noise_input, 0, pool);
  std::vector<TrainingStack> stacks{{noisy, std::nullopt, {}, "noisy"}};
  const TrainingRequest request = training(o, stacks, device, pool);
  const TrainingResult result =
      run_training(stacks, request, device, pool, o.common, "n2s demo, from the start: it is short");

  Progress progress("restoring", "planes", noisy.planes, o.common.quiet);
  InferenceOptions inference;
  inference.progress = [&](long done, long) { progress.update(done); };
  const Stack restored =
      denoise(load_model(request.folder), {noisy, request.batches.normalisation, {}}, device, inference);
  progress.finish();
  Stack post = restored;
  const std::string why_host =
      restore_measured(kDemoNoise, noisy, o.common.seed, Purpose::noise_input, 0, post, *device.inference, pool);
  if (!why_host.empty()) say(o.common, "k-space data consistency: computed on the CPU: {}", why_host);

  const StackMetrics before = measure(noisy, clean, device, o.common);
  const StackMetrics after = measure(restored, clean, device, o.common);
  const StackMetrics final = measure(post, clean, device, o.common);
  const fs::path panel = folder / "panel.png";
  write(folder / "truth.nii.gz", clean);
  write(folder / "noisy.nii.gz", noisy);
  write(folder / "restored.nii.gz", restored);
  write(folder / "postprocessed.nii.gz", post);
  middle_panel({{decibels("noisy", before), &noisy},
                {decibels("restored", after), &restored},
                {decibels("post-processed", final), &post},
                {"truth", &clean}})
      .save(panel);
  if (!o.page.empty())
    write_page(o, {{"noisy", before}, {"restored", after}, {"post-processed", final}},
               {{{"noisy", example_planes(noisy)},
                 {"restored", example_planes(restored)},
                 {"post-processed", example_planes(post)},
                 {"truth", example_planes(clean)}},
                example_names(kPlanes)});
  if (o.common.json) {
    nlohmann::json json{{"noisy", numbers(before)}, {"restored", numbers(after)}, {"postprocessed", numbers(final)}};
    json["steps"] = result.steps;
    json["train_seconds"] = result.seconds;
    json["files"] = result.files;
    for (const char* name : {"truth", "noisy", "restored", "postprocessed"})
      json["files"][name] = (folder / (std::string(name) + ".nii.gz")).string();
    json["files"]["panel"] = panel.string();
    if (!o.page.empty()) json["files"]["report"] = o.page;
    print_json(json);
    return;
  }
  print_table(before, after, final);
  fmt::print(
      "means over planes 5, 15, ... 95; clamped to [-0.5, 0.5]; data range 1\n"
      "pictures: {}, {}\n"
      "next, on a stack of your own:  n2s restore YOUR_FILE -o restored.nii.gz\n",
      panel.string(), (request.folder / "loss_curve.png").string());
}

}  // namespace

void add_demo(Program& program) {
  auto options = std::make_shared<DemoOptions>();
  Verb verb = program.add_verb("demo", "Corrupt a real brain volume, restore it from itself, and measure the result");
  verb.option("-o,--output", options->folder, "Folder for volumes and pictures").show_default();
  verb.option("--minutes", options->minutes, "Minutes of training").above_zero(kMostMinutes).show_default();
  verb.option("--steps", options->steps, "Training steps instead of minutes: the same result on a machine of any speed")
      .between(1L, kMostSteps);
  add_page_option(verb, options->page, "planes, figures, losses and settings");
  add_common_options(verb, options->common);
  verb.on_run([options] { demo(*options); });
}

}  // namespace n2s

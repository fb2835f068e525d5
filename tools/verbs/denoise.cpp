// Loads a model, and reads, denoises and writes file by file.
#include "tools/verbs/denoise.h"

#include <fmt/format.h>

#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/atomic_file.h"
#include "data/atomic_folder.h"
#include "data/image_writer.h"
#include "data/json_text.h"
#include "engine/graph/receptive_field.h"
#include "engine/inference/post_processing.h"
#include "kernels/base/error.h"
#include "tools/common.h"
#include "tools/doubtful_noise.h"
#include "tools/interrupt.h"
#include "tools/json_output.h"
#include "tools/loaded_file.h"
#include "tools/measured_levels.h"
#include "tools/model_use.h"
#include "tools/progress.h"
#include "tools/ranks/rank_options.h"
#include "tools/ranks/shared_work.h"
#include "tools/stack_stream.h"
#include "tools/streamed_denoise.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

struct DenoiseOptions {
  CommonOptions common;
  InputOptions input;
  std::string model, out, measured, levels = "stack";
  std::vector<std::string> in;
  int tile = 0;
  double memory_gib = 0;
  bool as_float = false;
};

/// One input: OUT itself, unless it is a folder. Several: OUT is a folder.
std::vector<fs::path> output_paths(const DenoiseOptions& o) {
  if (o.in.size() == 1 && (!fs::is_directory(o.out) || is_folder_output(o.out))) return {o.out};
  std::vector<fs::path> paths;
  std::map<fs::path, std::string> input_of;
  for (const std::string& in : o.in) {
    const fs::path name = fs::path(in).has_filename() ? fs::path(in) : fs::path(in).parent_path();  // "img.zarr/"
    const fs::path out = fs::path(o.out) / name.filename();
    const auto [other, is_new] = input_of.emplace(out, in);
    if (!is_new)
      throw Error(fmt::format("{}: both {} and {} would be written here; denoise them into different folders",
                              out.string(), other->second, in));
    paths.push_back(out);
  }
  fs::create_directories(o.out);
  return paths;
}

struct Job {
  fs::path out;
  LoadedFile file;
  std::vector<SeenStack> seen;  // of the file's stacks
};

/// Of the plane in the middle of the first stack; `planes` are all of it, or that one alone.
void check_measured(const DenoiseOptions& o, const FileStacks& file, const Stack& planes) {
  if (o.measured.empty()) return;
  const int middle = stack_shape(file.image, file.selected.stacks.front()).planes / 2;
  check_measured(file.path, parse_noise(o.measured), planes, planes.planes == 1 ? 0 : middle,
                 plane_key(o.common.seed, Purpose::noise_input, file.number_of(0), middle));
}

/// Reads inputs and sets the levels of all of their stacks.
std::vector<Job> prepare(const DenoiseOptions& o, const std::vector<LoadedModel>& models, const Device& device,
                         std::span<const std::string> in, std::span<const fs::path> out) {
  std::vector<Job> jobs;
  std::vector<NamedStack> stacks;
  for (std::size_t i = 0; i < in.size(); ++i) {
    jobs.push_back({out[i], load_noisy_file(in[i], o.input, o.common), {}});
    const LoadedFile& file = jobs.back().file;
    check_image_fits(out[i], result_header(file.image, file.selected), write_options(o.common, o.as_float));
    const Stack& first = file.stacks.front();
    check_measured(o, file, first);
    say_of_lost_orientation(file, out[i], o.common);
    warn_of_few_steps(file, plane_of(first, first.planes / 2), out[i], write_options(o.common, o.as_float));
    for (std::size_t s = 0; s < file.stacks.size(); ++s) stacks.push_back({file.name_of(s), file.stacks[s]});
  }
  const Normalisation& given = models.front().normalisation;
  std::vector<SeenStack> seen;
  if (levels_from(o.levels) == LevelsFrom::model)
    for (NamedStack& stack : stacks) seen.push_back(see_stack(std::move(stack), given, device, o.common));
  else
    seen = see_stacks(std::move(stacks), given.kind, levels_from(o.levels), device, o.common);
  auto next = std::make_move_iterator(seen.begin());
  for (Job& job : jobs) {
    const auto end = next + static_cast<std::ptrdiff_t>(job.file.stacks.size());
    job.seen.assign(next, end);
    next = end;
  }
  return jobs;
}

InferenceOptions inference_options(const DenoiseOptions& o) {
  InferenceOptions inference;
  inference.tile = o.tile;
  inference.memory_limit = static_cast<std::size_t>(o.memory_gib * (1 << 30));
  return inference;
}

InferencePlan plan_for(const DenoiseOptions& o, const LoadedModel& model, const Device& device, const Stack& noisy) {
  const Graph graph = model.network->build(model.planes);
  const InferencePlan plan = plan_inference(*device.inference, {&graph, receptive_radius(graph)},
                                            {noisy.planes, noisy.height, noisy.width}, inference_options(o));
  say(o.common, "{} of {}x{} pixels, {} per run of the network", plan.tiled ? "tiles" : "whole planes",
      plan.extents.height, plan.extents.width, plan.extents.batch);
  return plan;
}

/// Puts the frequencies back that `n2s corrupt` has kept.
void keep_measured(const DenoiseOptions& o, const LoadedFile& file, const Device& device,
                   std::vector<Stack>& restored) {
  ThreadPool pool(o.common.threads);
  std::string why_host;
  for (std::size_t i = 0; i < restored.size(); ++i)
    why_host = restore_measured(parse_noise(o.measured), file.stacks[i], o.common.seed, Purpose::noise_input,
                                file.number_of(i), restored[i], *device.inference, pool);
  if (!why_host.empty()) say(o.common, "k-space data consistency: computed on the CPU: {}", why_host);
}

/// The levels of one stack, or a list.
nlohmann::json levels_json(const std::vector<SeenStack>& seen) {
  if (seen.size() == 1) return levels_json(seen.front());
  nlohmann::json json = nlohmann::json::array();
  for (const SeenStack& stack : seen) json.push_back(levels_json(stack));
  return json;
}

/// On rank 0 all planes, which the ranks restore together; on the others none.
Stack denoise_together(ProcessRanks* ranks, const LoadedModel& model, const SeenStack& seen, const Device& device,
                       InferenceOptions inference) {
  if (ranks == nullptr) return denoise(model, seen, device, inference);
  Stack result{seen.stack.planes, seen.stack.height, seen.stack.width, {}};
  const PlaneRange own = own_planes(ranks, result.planes);
  std::vector<float> values;
  if (own.count > 0) {
    inference.targets = own;
    const Stack restored = denoise(model, seen, device, inference);
    const auto pixels = static_cast<std::ptrdiff_t>(plane_pixels(restored));
    const auto begin = restored.voxels.begin() + own.first * pixels;
    values.assign(begin, begin + own.count * pixels);
  }
  result.voxels = joined(ranks, std::move(values));
  return result;
}

nlohmann::json denoise_file(const DenoiseOptions& o, const std::vector<LoadedModel>& models, const Device& device,
                            ProcessRanks* ranks, const Job& job) {
  const LoadedFile& file = job.file;
  std::vector<std::string> warnings;
  for (std::size_t i = 0; i < job.seen.size(); ++i)
    for (std::string& line : compare_with_training(file.name_of(i), model_for(models, file, i).traits, job.seen[i]))
      warnings.push_back(std::move(line));
  const InferencePlan plan = plan_for(o, models.front(), device, file.stacks.front());
  Progress progress(fs::path(file.path).filename().string(), "planes", static_cast<long>(file.planes()),
                    o.common.quiet);
  std::vector<Stack> restored;
  long before = 0;
  for (std::size_t i = 0; i < job.seen.size(); ++i) {
    InferenceOptions inference = inference_options(o);
    inference.progress = [&](long done, long) {
      progress.update(before + done);
      if (interrupted()) throw Error("interrupted; nothing was written");
    };
    restored.push_back(denoise_together(ranks, model_for(models, file, i), job.seen[i], device, inference));
    before += restored.back().planes;
  }
  progress.finish();
  if (!is_first(ranks)) return {};
  if (!o.measured.empty()) keep_measured(o, file, device, restored);
  write_uninterrupted(job.out, file.with(restored), write_options(o.common, o.as_float));
  return {{"input", file.path},  {"output", job.out.string()},      {"planes", file.planes()},
          {"tiled", plan.tiled}, {"levels", levels_json(job.seen)}, {"warnings", warnings}};
}

/// One stack's traits from a sample of its planes, as the network sees them.
std::vector<std::string> compare_sample(const OpenFile& file, std::size_t stack, const LoadedModel& model,
                                        const SeenStack& seen) {
  if (!model.traits) return {};
  SeenStack sample{sample_pairs(file, stack), seen.normalisation, {}};
  replace_extremes(sample.stack, seen.normalisation);
  return compare_with_training(file.name_of(stack), model.traits, sample);
}

/// A file larger than memory. Nothing, and nothing done, where its planes do not come in the order of the output.
std::optional<nlohmann::json> denoise_large(const DenoiseOptions& o, const std::vector<LoadedModel>& models,
                                            const Device& device, ProcessRanks* ranks, const OpenFile& file,
                                            const fs::path& out) {
  const InterruptGuard guard;
  const WriteOptions write = write_options(o.common, o.as_float);
  std::unique_ptr<ImageWriter> writer;
  if (is_first(ranks)) writer = create_image(out, result_header(file.image, file.selected), write);
  if (!decided(ranks, writer && comes_in_order(file, *writer))) return std::nullopt;
  describe_file(file, o.common, "; read and written a few planes at a time");
  warn_of_few_steps(file, out, write);
  say_of_lost_orientation(file, out, o.common);
  check_measured(o, file, read_planes(file, 0, stack_shape(file.image, file.selected.stacks.front()).planes / 2, 1));
  ThreadPool pool(o.common.threads);
  Progress progress(fs::path(file.path).filename().string(), "planes", static_cast<long>(file.planes()),
                    o.common.quiet);
  StreamedDenoising job{
      file,          models, device, inference_options(o), levels_from(o.levels) == LevelsFrom::model, std::nullopt,
      o.common.seed, pool,   ranks};
  if (job.inference.memory_limit == 0) job.inference.memory_limit = activation_memory(o.common);
  if (!o.measured.empty()) job.measured = parse_noise(o.measured);
  job.progress = [&](long done) { progress.update(done); };
  const std::vector<SeenStack> seen = denoise_streamed(job, writer.get());
  progress.finish();
  std::vector<std::string> warnings;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    describe_stack(file.name_of(i), seen[i], o.common);
    for (std::string& line : compare_sample(file, i, model_for(models, file, i), seen[i]))
      warnings.push_back(std::move(line));
  }
  return nlohmann::json{{"input", file.path}, {"output", out.string()},      {"planes", file.planes()},
                        {"streamed", true},   {"levels", levels_json(seen)}, {"warnings", warnings}};
}

/// Files that the ranks have restored in turn, in the order of the input.
nlohmann::json records_of_all(ProcessRanks& ranks, const nlohmann::json& own, std::size_t files) {
  const std::string text = json_text(own);
  std::vector<nlohmann::json> parts;
  for (const std::vector<std::byte>& part : ranks.gather(std::as_bytes(std::span(text))))
    parts.push_back(parse_json({reinterpret_cast<const char*>(part.data()), part.size()}));
  nlohmann::json all = nlohmann::json::array();
  for (std::size_t i = 0; !parts.empty() && i < files; ++i) {
    const std::size_t rank = i % parts.size();
    all.push_back(parts[rank].at(i / parts.size()));
    if (rank == 0) continue;  // has printed its own warnings
    for (const nlohmann::json& warning : all.back().at("warnings"))
      warn_of_unlike_data(all.back().at("input").get<std::string>(), warning.get<std::string>());
  }
  return all;
}

void denoise_files(DenoiseOptions o, ProcessRanks* ranks) {
  if (ranks != nullptr) o.common = options_of_rank(o.common, *ranks);
  if (!o.measured.empty() && !std::holds_alternative<KspaceNoise>(parse_noise(o.measured)))
    throw Error(fmt::format("--measured {}: only kspace:RATE leaves frequencies as they were", o.measured));
  const std::vector<LoadedModel> models = load_models(o.model);
  const std::vector<fs::path> outputs = output_paths(o);
  for (const fs::path& out : outputs) {
    check_image_extension(out);
    check_output_path(out, o.common.force);
  }
  const Device device = open_device(o.common);
  nlohmann::json files = nlohmann::json::array();
  const std::size_t together = levels_from(o.levels) == LevelsFrom::shared ? o.in.size() : 1;
  // Ranks take whole files where there are enough, else planes.
  const auto count = static_cast<std::size_t>(ranks == nullptr ? 1 : ranks->count());
  const bool whole_files = ranks != nullptr && together == 1 && o.in.size() >= count;
  ProcessRanks* within = whole_files ? nullptr : ranks;
  if (ranks != nullptr) ranks->meet();  // all have checked the outputs before one writes
  for (std::size_t i = 0; i < o.in.size(); i += together) {
    if (whole_files && i % count != static_cast<std::size_t>(ranks->rank())) continue;
    if (together == 1) {
      const OpenFile file = open_file(o.in[i], o.input);
      check_image_fits(outputs[i], result_header(file.image, file.selected), write_options(o.common, o.as_float));
      if (is_large(file))
        if (auto json = denoise_large(o, models, device, within, file, outputs[i])) {
          files.push_back(std::move(*json));
          continue;
        }
    }
    for (const Job& job :
         prepare(o, models, device, std::span(o.in).subspan(i, together), std::span(outputs).subspan(i, together)))
      files.push_back(denoise_file(o, models, device, within, job));
  }
  if (whole_files) files = records_of_all(*ranks, files, o.in.size());
  if (o.common.json) print_json({{"files", files}});
}

}  // namespace

void add_denoise(Program& program) {
  auto options = std::make_shared<DenoiseOptions>();
  Verb verb = program.add_verb("denoise", "Restore stacks with a trained network", true);
  verb.option("MODEL", options->model, "A run's folder, or a model file (.safetensors)").required();
  verb.option("IN", options->in, "The noisy stacks").required();
  add_output_option(verb, options->out, "The restored stack, or for several stacks a folder");
  add_float_option(verb, options->as_float);
  verb.option("--tile", options->tile, "Side of the tiles, pixels (default: whole planes if they fit into memory)")
      .between(16L, 65536L);
  verb.option("--memory", options->memory_gib,
              "Memory for activations, and on a GPU the same again for the stack, GiB (default: half of what is free)")
      .above_zero(1 << 20);
  verb.option(
          "--levels", options->levels,
          "Statistics for the normalisation: of each stack, shared by all (files of one acquisition), or the model's")
      .one_of({"stack", "shared", "model"})
      .show_default();
  verb.option("--measured", options->measured,
              "k-space data consistency: keep the measured frequencies of the input, which `n2s corrupt --noise "
              "kspace:RATE` has made with this --seed");
  add_input_options(verb, options->input);
  add_common_options(verb, options->common);
  verb.footer(
      "Examples:\n"
      "  n2s denoise run/ noisy1.tif noisy2.tif -o restored/\n"
      "  mpirun -n 8 n2s denoise run/ noisy*.tif -o restored/   eight processes share the files, or a file's planes");
  verb.on_run_of_ranks([options](ProcessRanks* ranks) { denoise_files(*options, ranks); });
}

}  // namespace n2s

// Selects and times the benchmark's cases, and prints a table or JSON.
#include "tools/verbs/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/graph/autograd.h"
#include "engine/graph/fusion.h"
#include "tools/benchmark/bench_case.h"
#include "tools/benchmark/ceilings.h"
#include "tools/benchmark/convolution_model.h"
#include "tools/benchmark/cuda_kernel_benchmark.h"
#include "tools/benchmark/kernel_benchmark.h"
#include "tools/benchmark/peak_memory.h"
#include "tools/common.h"
#include "tools/json_output.h"

namespace n2s {
namespace {

constexpr const char* kAll = "all";

struct BenchOptions {
  CommonOptions common;
  std::string network = kAll, pass = kAll, op, model;
  int planes = 0, batch = 0, size = 0;
  double seconds = 2;
  bool no_fusion = false;
};

/// The cases that the options select out of the eight standard ones: two networks, two sizes, two passes.
std::vector<BenchCase> cases(const BenchOptions& o) {
  std::vector<BenchCase> result;
  std::vector<Extents> sizes{{16, 64, 64}, {2, 256, 256}};
  if (o.size > 0) sizes = {{o.batch > 0 ? o.batch : 16, o.size, o.size}};
  if (o.size == 0 && o.batch > 0)
    for (Extents& extents : sizes) extents.batch = o.batch;
  for (const Network& network : networks()) {
    if (o.network != kAll && o.network != network.name) continue;
    const int planes = o.planes > 0 ? o.planes : network.paper_planes;
    for (const Extents& extents : sizes)
      for (const bool training : {true, false})
        if (o.pass == kAll || (o.pass == "training") == training)
          result.push_back({&network, planes, extents, training, !o.no_fusion});
  }
  return result;
}

void print_operations(const CaseTime& time, const Ceilings& ceilings) {
  fmt::print("  {:<34}{:>10}{:>10}{:>10}{:>9}\n", "operation", "ms", "GFLOP", "GFLOP/s", "of peak");
  for (const OperationTime& op : time.operations) {
    const double rate = op.gflop / op.milliseconds * 1000;
    if (op.gflop > 0)
      fmt::print("  {:<34}{:>10.3f}{:>10.3f}{:>10.1f}{:>8.0f}%\n", op.label, op.milliseconds, op.gflop, rate,
                 100 * rate / ceilings.gflops);
    else
      fmt::print("  {:<34}{:>10.3f}\n", op.label, op.milliseconds);
  }
}

nlohmann::json record(const BenchCase& bench_case, const CaseTime& time, const Ceilings& ceilings,
                      const std::string& precision) {
  const double rate = time.gflop_per_plane / time.ms_per_plane * 1000;
  return {{"net", bench_case.network->name},
          {"planes", bench_case.planes},
          {"batch", bench_case.extents.batch},
          {"height", bench_case.extents.height},
          {"width", bench_case.extents.width},
          {"pass", bench_case.training ? "training" : "inference"},
          {"precision", precision},
          {"batches", time.batches},
          {"ms_per_plane", time.ms_per_plane},
          {"planes_per_second", 1000 / time.ms_per_plane},
          {"gflops", rate},
          {"share_of_ceiling", rate / ceilings.gflops},
          {"arena_bytes", time.arena_bytes}};
}

Ceilings gpu_ceilings(const CudaOptions& gpu) {
  const CudaCeilings found = cuda_ceilings(gpu);
  return {found.gflops, found.gbytes_per_second};
}

/// A network's convolutions on the model's GPU, and their measured times where there are some.
void print_model(const ModelGpu& gpu, const BenchCase& bench_case, const std::vector<PredictedOperation>& operations,
                 const std::map<std::string, double>& measured) {
  const double peak = gpu.multiprocessors * gpu.flop_per_cycle * gpu.gigahertz / 1e3;  // TFLOP/s
  fmt::print("\n{} network, {} planes, {} x {}x{}, {}, fp16, {}: {:.0f} TFLOP/s in matrix products\n",
             bench_case.network->name, bench_case.planes, bench_case.extents.batch, bench_case.extents.height,
             bench_case.extents.width, bench_case.training ? "training" : "inference", gpu.name, peak);
  fmt::print("  {:<32}{:>8}{:>10}{:>8}{:>8}{:>9}{:>9}{}  most of it\n", "operation", "GFLOP", "executed", "waves",
             "blocks", "ms", "of peak", measured.empty() ? "" : " measured");
  double total = 0;
  for (const PredictedOperation& op : operations) {
    const KernelCounts& first = op.kernels.front();
    const double ms = op.time.milliseconds();
    const auto found = measured.find(op.label);
    total += ms;
    fmt::print("  {:<32}{:>8.2f}{:>10.2f}{:>8.2f}{:>8}{:>9.4f}{:>8.0f}%{}  {}\n", op.label, op.gflop, op.executed_gflop,
               first.blocks / (gpu.multiprocessors * first.resident), first.resident, ms, 100 * op.gflop / ms / peak,
               measured.empty()          ? std::string()
               : found == measured.end() ? std::string(9, ' ')
                                         : fmt::format("{:9.4f}", found->second),
               op.time.bound());
  }
  fmt::print("  all convolutions: {:.3f} ms, {:.0f} planes/s at most\n", total, bench_case.extents.batch / total * 1e3);
}

nlohmann::json model_json(const ModelGpu& gpu, const BenchCase& bench_case,
                          const std::vector<PredictedOperation>& operations) {
  nlohmann::json json{{"net", bench_case.network->name},      {"planes", bench_case.planes},
                      {"batch", bench_case.extents.batch},    {"height", bench_case.extents.height},
                      {"width", bench_case.extents.width},    {"pass", bench_case.training ? "training" : "inference"},
                      {"operations", nlohmann::json::array()}};
  constexpr const char* kPasses[] = {"forward", "data gradient", "weight gradient"};
  for (const PredictedOperation& op : operations) {
    nlohmann::json kernels = nlohmann::json::array();
    for (const KernelCounts& k : op.kernels)
      kernels.push_back({{"low", k.is_low},
                         {"columns", k.columns},
                         {"blocks", k.blocks},
                         {"blocks_per_multiprocessor", k.resident},
                         {"products_per_block", k.products},
                         {"wavefronts_per_block", k.wavefronts},
                         {"steps_per_block", k.steps}});
    json["operations"].push_back({{"label", op.label},
                                  {"pass", kPasses[static_cast<int>(op.work.pass)]},
                                  {"gflop", op.gflop},
                                  {"executed_gflop", op.executed_gflop},
                                  {"kernels", kernels},
                                  {"features", model_features(op.kernels, gpu)},
                                  {"predicted_ms", op.time.milliseconds()},
                                  {"bound", op.time.bound()}});
  }
  return json;
}

/// Predicted times, and measured ones beside them on a machine with a GPU.
void bench_model(const BenchOptions& o, const std::optional<CudaOptions>& gpu) {
  const ModelGpu& model = find_model_gpu(o.model);
  BenchOptions selected = o;
  if (o.size == 0) selected.size = 256;
  if (o.batch == 0) selected.batch = 16;
  std::optional<Device> device;
  if (gpu) device = open_device(o.common);
  nlohmann::json json{{"model", model.name}, {"precision", "fp16"}, {"results", nlohmann::json::array()}};
  for (const BenchCase& bench_case : cases(selected)) {
    Graph graph = fuse(bench_case.network->build(bench_case.planes));
    if (bench_case.training) graph = differentiate(graph);
    const std::vector<PredictedOperation> operations = predict_convolutions(graph, bench_case.extents, model);
    std::map<std::string, double> measured;
    if (device)
      for (const OperationTime& op : time_case(*device, bench_case, o.seconds).operations)
        measured[op.label] = op.milliseconds;
    json["results"].push_back(model_json(model, bench_case, operations));
    for (nlohmann::json& op : json["results"].back()["operations"])
      if (const auto found = measured.find(op["label"].get<std::string>()); found != measured.end())
        op["measured_ms"] = found->second;
    if (!o.common.json) print_model(model, bench_case, operations, measured);
  }
  if (o.common.json) print_json(json);
}

void bench(const BenchOptions& o) {
  std::string why_cpu;
  const std::optional<CudaOptions> gpu = chosen_gpu(o.common, why_cpu);
  if (!o.model.empty()) return bench_model(o, gpu);
  if (gpu && !o.op.empty()) {
    const int side = o.size > 0 ? o.size : 256;
    return run_cuda_kernel_benchmark(*gpu, {o.common.json, o.seconds / 10, {o.batch > 0 ? o.batch : 16, side, side}});
  }
  const Device device = open_device(o.common);
  ThreadPool pool(o.common.threads);
  const Ceilings ceilings = gpu ? gpu_ceilings(*gpu) : measure_ceilings(pool);
  if (!o.common.json)
    fmt::print(
        "ceilings: {:.1f} GFLOP/s in registers, {:.1f} GB/s copying\n"
        "GFLOP are counted as direct convolution: an algorithm with fewer multiplications can exceed 100 %\n",
        ceilings.gflops, ceilings.gbytes_per_second);
  if (!o.op.empty()) return run_kernel_benchmark(o.op, {o.common.json, o.seconds}, ceilings, pool);
  nlohmann::json json{{"device", device.backend->description()},
                      {"ceilings", {{"gflops", ceilings.gflops}, {"gbytes_per_second", ceilings.gbytes_per_second}}},
                      {"results", nlohmann::json::array()}};
  for (const BenchCase& bench_case : cases(o)) {
    restart_peak_memory();
    const CaseTime time = time_case(device, bench_case, o.seconds);
    json["results"].push_back(record(bench_case, time, ceilings, o.common.precision));
    json["results"].back()["peak_memory_bytes"] = peak_memory();
    if (o.common.json) continue;
    const double rate = time.gflop_per_plane / time.ms_per_plane * 1000;
    fmt::print(
        "\n{} network, {} planes, {} x {}x{}, {}: {:.3f} ms per plane, {:.1f} planes/s, {:.1f} GFLOP/s ({:.0f} % of "
        "peak), arena {}\n",
        bench_case.network->name, bench_case.planes, bench_case.extents.batch, bench_case.extents.height,
        bench_case.extents.width, bench_case.training ? "training" : "inference", time.ms_per_plane,
        1000 / time.ms_per_plane, rate, 100 * rate / ceilings.gflops, human_bytes(time.arena_bytes));
    if (!time.batches.empty()) fmt::print("  including batch assembly: {}\n", time.batches);
    print_operations(time, ceilings);
  }
  if (o.common.json) print_json(json);
}

}  // namespace

void add_bench(Program& program) {
  auto options = std::make_shared<BenchOptions>();
  std::vector<std::string> names{kAll};
  std::string paper_planes;
  for (const Network& network : networks()) {
    names.emplace_back(network.name);
    paper_planes += fmt::format("{}{} {}", paper_planes.empty() ? "" : ", ", network.name, network.paper_planes);
  }
  Verb verb = program.add_verb("bench", "Measure the engine on this machine, per network and per operation");
  verb.option("--net", options->network, "Network").one_of(names).show_default();
  verb.option("--planes", options->planes, fmt::format("Input planes (default: {})", paper_planes)).between(1L, 64L);
  verb.option("--batch", options->batch, "Images per step (default: 16 of 64x64 and 2 of 256x256)").between(1L, 4096L);
  verb.option("--size", options->size, "Side of the images, pixels").between(16L, 8192L);
  verb.option("--pass", options->pass, "Pass").one_of({"training", "inference", kAll}).show_default();
  verb.option("--op", options->op,
              "The kernel benchmark: every variant of this operation on every layer shape of all networks, in every "
              "precision of a GPU")
      .one_of({"conv3x3"});
  verb.option("--seconds", options->seconds, "Time to spend on each measurement").between(0.0, 3600.0).show_default();
  std::vector<std::string> models;
  for (const ModelGpu& gpu : model_gpus()) models.push_back(gpu.name);
  verb.option("--model", options->model,
              "Predict the convolutions' times in fp16 on this GPU, beside measured ones where there is a GPU "
              "(default: 16 images of 256x256)")
      .one_of(models);
  verb.flag("--no-fusion", options->no_fusion, "Run every operation by itself, unfused");
  std::vector<std::string> variants = cuda_conv_variants();
  variants.insert(variants.begin(), "auto");
  verb.option("--variant", options->common.variant, "Convolution on a GPU").one_of(variants).show_default();
  add_common_options(verb, options->common);
  verb.footer(
      "Examples:\n"
      "  n2s bench                                                  all networks, training and inference\n"
      "  n2s bench --net mri --size 256 --batch 16 --pass training  one case, operation by operation\n"
      "  n2s bench --op conv3x3                                     the kernel benchmark");
  verb.on_run([options] { bench(*options); });
}

}  // namespace n2s

#include "tools/verbs/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/bench_cell.h"
#include "tools/ceilings.h"
#include "tools/common.h"
#include "tools/cuda_laboratory.h"
#include "tools/kernel_laboratory.h"

namespace n2s {
namespace {

struct BenchOptions {
  CommonOptions common;
  std::string network = "all", pass = "all", op;
  int planes = 0, batch = 0, size = 0;
  double seconds = 2;
  bool no_fusion = false;
};

/// What the options leave open is filled with the project's eight standard cells.
std::vector<BenchCell> cells(const BenchOptions& o) {
  std::vector<BenchCell> result;
  for (const char* name : {"mri", "microscopy"}) {
    if (o.network != "all" && o.network != name) continue;
    const NetworkKind kind = network_kind(name);
    const int planes = o.planes > 0 ? o.planes : kind == NetworkKind::mri ? 5 : 2;
    std::vector<Extents> sizes{{16, 64, 64}, {2, 256, 256}};
    if (o.size > 0) sizes = {{o.batch > 0 ? o.batch : 16, o.size, o.size}};
    if (o.size == 0 && o.batch > 0)
      for (Extents& extents : sizes) extents.batch = o.batch;
    for (const Extents& extents : sizes)
      for (const bool training : {true, false})
        if (o.pass == "all" || (o.pass == "training") == training)
          result.push_back({kind, planes, extents, training, !o.no_fusion});
  }
  return result;
}

void print_operations(const CellTime& time, const Ceilings& ceilings) {
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

nlohmann::json record(const BenchCell& cell, const CellTime& time, const Ceilings& ceilings,
                      const std::string& precision) {
  const double rate = time.gflop_per_plane / time.ms_per_plane * 1000;
  return {{"net", network_name(cell.network)},
          {"planes", cell.planes},
          {"batch", cell.extents.batch},
          {"height", cell.extents.height},
          {"width", cell.extents.width},
          {"pass", cell.training ? "training" : "inference"},
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

void bench(const BenchOptions& o) {
  std::string why_cpu;
  const std::optional<CudaOptions> gpu = chosen_gpu(o.common, why_cpu);
  if (gpu && !o.op.empty()) {
    const int side = o.size > 0 ? o.size : 256;
    return run_cuda_laboratory(*gpu, {o.common.json, o.seconds / 10, {o.batch > 0 ? o.batch : 16, side, side}});
  }
  const std::unique_ptr<Backend> backend = make_backend(o.common);
  ThreadPool pool(o.common.threads);
  const Ceilings ceilings = gpu ? gpu_ceilings(*gpu) : measure_ceilings(pool);
  if (!o.common.json)
    fmt::print(
        "ceilings: {:.1f} GFLOP/s in registers, {:.1f} GB/s copying\n"
        "GFLOP are counted as direct convolution: an algorithm with fewer multiplications can exceed 100 %\n",
        ceilings.gflops, ceilings.gbytes_per_second);
  if (!o.op.empty()) return run_kernel_laboratory(o.op, {o.common.json, o.seconds}, ceilings, pool);
  nlohmann::json json{{"device", backend->description()},
                      {"ceilings", {{"gflops", ceilings.gflops}, {"gbytes_per_second", ceilings.gbytes_per_second}}},
                      {"results", nlohmann::json::array()}};
  for (const BenchCell& cell : cells(o)) {
    const CellTime time = time_cell(*backend, cell, o.seconds);
    json["results"].push_back(record(cell, time, ceilings, o.common.precision));
    if (o.common.json) continue;
    const double rate = time.gflop_per_plane / time.ms_per_plane * 1000;
    fmt::print(
        "\n{} network, {} planes, {} x {}x{}, {}: {:.3f} ms a plane, {:.1f} planes/s, {:.1f} GFLOP/s ({:.0f} % of "
        "peak), arena {}\n",
        network_name(cell.network), cell.planes, cell.extents.batch, cell.extents.height, cell.extents.width,
        cell.training ? "training" : "inference", time.ms_per_plane, 1000 / time.ms_per_plane, rate,
        100 * rate / ceilings.gflops, human_bytes(time.arena_bytes));
    if (!time.batches.empty()) fmt::print("  with batch assembly: {}\n", time.batches);
    print_operations(time, ceilings);
  }
  if (o.common.json) std::cout << json.dump(2) << "\n";
}

}  // namespace

void add_bench(CLI::App& app) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* verb = app.add_subcommand("bench", "Measure the engine on this machine, per network and per operation");
  verb->add_option("--net", options->network, "mri, microscopy or all")
      ->check(CLI::IsMember({"mri", "microscopy", "all"}))
      ->capture_default_str();
  verb->add_option("--planes", options->planes, "Input planes (default: mri 5, microscopy 2)")
      ->check(CLI::Range(1, 64));
  verb->add_option("--batch", options->batch, "Images at a time (default: 16 of 64x64 and 2 of 256x256)")
      ->check(CLI::Range(1, 4096));
  verb->add_option("--size", options->size, "Side of the images, pixels")->check(CLI::Range(16, 8192));
  verb->add_option("--pass", options->pass, "training, inference or all")
      ->check(CLI::IsMember({"training", "inference", "all"}))
      ->capture_default_str();
  verb->add_option("--op", options->op,
                   "conv3x3: every variant of the kernel on every layer of both networks, in every precision of a GPU")
      ->check(CLI::IsMember({"conv3x3"}));
  verb->add_option("--seconds", options->seconds, "Time to spend on each measurement")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  verb->add_flag("--no-fusion", options->no_fusion, "Run the plain operations one by one");
  verb->add_option("--variant", options->common.variant, "Convolution on a GPU: auto, simt, wmma, mma or cudnn")
      ->check(CLI::IsMember({"auto", "simt", "wmma", "mma", "cudnn"}))
      ->capture_default_str();
  add_common_options(*verb, options->common);
  verb->footer(
      "Examples:\n"
      "  n2s bench                                                  both networks, training and inference\n"
      "  n2s bench --net mri --size 256 --batch 16 --pass training  one cell, operation by operation\n"
      "  n2s bench --op conv3x3                                     the kernel laboratory");
  verb->callback([options] { bench(*options); });
}

}  // namespace n2s

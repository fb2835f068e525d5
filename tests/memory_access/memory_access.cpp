// Prints the cost of the kernels' memory accesses by source line, and how often each barrier is needed.
// tools/scripts/memory_access builds and runs it.
#include <cuda_runtime.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string_view>

#include "bench/conv3x3_series/checker.h"
#include "kernels/base/error.h"
#include "kernels/device/check.h"
#include "tests/memory_access/access_count.h"
#include "tests/memory_access/problems.h"
#include "tests/memory_access/race_check.h"
#include "tests/memory_access/short_name.h"
#include "tests/memory_access/watch.h"

namespace n2s::test {
namespace {

using emulation::AccessCount;
using emulation::AccessLine;
using emulation::AccessSums;
using emulation::RaceCheck;

constexpr const char* kUsage =
    R"(tools/scripts/memory_access [--all] [--only TEXT] [--json FILE]
tools/scripts/memory_access --barriers [--only TEXT]

Counts the cost of the CUDA kernels' memory accesses on the emulated GPU. An access is one instruction of a warp.
  shared   cost: wavefronts; ideal: wavefronts that accesses of this width take without bank conflicts
  device   cost: sectors of 32 bytes; ideal: sectors that the bytes would fill if they were contiguous
Each kernel is listed with its threads and requested shared memory per block.
wmma hides which lane moves what: its accesses are counted as if lanes moved 16 bytes each, side by side.

  --all        every line (default: those whose cost is at least 5 % above the ideal)
  --only TEXT  only cases whose name contains this, e.g. 'mma fp16, forward'
  --json FILE  also write all figures to this file
  --barriers   instead: for each __syncthreads, how often blocks met there, and how often it was needed (without this one,
               but with all others, there would have been a race)
)";

struct Options {
  bool all = false, barriers = false;
  std::string only, json;
};

/// Layers of the two networks with different loops: one source and two, few channels and many.
constexpr Conv3x3Layer kLayers[] = {{1, 32, 32, 0, 5, 48},   {1, 32, 32, 0, 48, 48}, {1, 32, 32, 48, 48, 96},
                                    {1, 32, 32, 96, 48, 96}, {1, 32, 32, 96, 5, 64}, {1, 32, 32, 0, 64, 32},
                                    {1, 32, 32, 0, 32, 1}};

AccessSums total(std::span<const AccessLine> lines, const std::string& kernel, bool shared) {
  AccessSums sums;
  for (const AccessLine& line : lines) {
    if (line.kernel != kernel || line.shared != shared) continue;
    sums.accesses += line.sums.accesses;
    sums.cost += line.sums.cost;
    sums.ideal += line.sums.ideal;
  }
  return sums;
}

std::string text_of(const AccessSums& sums) {
  return fmt::format("{:>9} {:>10} {:>10} {:>6.2f}", sums.accesses, sums.cost, sums.ideal, sums.ratio());
}

using BlockSizes = std::map<std::string, emulation::BlockSize>;

void print(const std::string& name, std::span<const AccessLine> lines, const BlockSizes& blocks, bool all) {
  fmt::print("\n{}\n", name);
  std::string kernel;
  for (const AccessLine& line : lines) {
    if (line.kernel != kernel) {
      kernel = line.kernel;
      const emulation::BlockSize& block = blocks.at(kernel);
      fmt::print("  {}: {} threads, {} bytes of shared memory per block\n", kernel, block.threads, block.shared_bytes);
      for (const bool shared : {true, false}) {
        const AccessSums sums = total(lines, kernel, shared);
        if (sums.accesses > 0) fmt::print("    {:<64} {}\n", shared ? "shared" : "device", text_of(sums));
      }
    }
    if (!all && line.sums.ratio() < 1.05) continue;
    const std::string what = fmt::format("{} {} {:>2} bytes  {}", line.shared ? "shared" : "device",
                                         line.writes ? "writes" : "reads ", line.bytes, line.place);
    fmt::print("      {:<62} {}\n", what, text_of(line.sums));
  }
}

void print_barriers(const std::string& name, const RaceCheck& races) {
  fmt::print("\n{}\n", name);
  for (const std::string& race : races.races()) fmt::print("  RACE {}\n", race);
  const void* kernel = nullptr;
  for (const RaceCheck::Barrier& barrier : races.barriers()) {
    if (barrier.kernel != kernel) fmt::print("  {}\n", emulation::short_kernel_name(barrier.kernel));
    kernel = barrier.kernel;
    fmt::print("    {:<40} {:>8} times, needed {:>8}\n", fmt::format("{}:{}", barrier.file, barrier.line),
               barrier.times, barrier.needed);
  }
}

nlohmann::json record(const AccessSums& sums) {
  return {{"accesses", sums.accesses}, {"cost", sums.cost}, {"ideal", sums.ideal}};
}

nlohmann::json record(const std::string& name, std::span<const AccessLine> lines, const BlockSizes& blocks) {
  nlohmann::json kernels = nlohmann::json::array();
  for (const AccessLine& line : lines) {
    if (kernels.empty() || kernels.back()["kernel"] != line.kernel)
      kernels.push_back({{"kernel", line.kernel},
                         {"threads", blocks.at(line.kernel).threads},
                         {"shared_bytes", blocks.at(line.kernel).shared_bytes},
                         {"shared", record(total(lines, line.kernel, true))},
                         {"device", record(total(lines, line.kernel, false))},
                         {"lines", nlohmann::json::array()}});
    nlohmann::json entry = record(line.sums);
    entry["place"] = line.place;
    entry["memory"] = line.shared ? "shared" : "device";
    entry["writes"] = line.writes;
    entry["bytes"] = line.bytes;
    kernels.back()["lines"].push_back(entry);
  }
  return {{"case", name}, {"kernels", kernels}};
}

/// Runs cases, prints their results and collects them for the JSON file.
class Report {
 public:
  explicit Report(const Options& options) : options_(options) {
    if (!options.barriers) fmt::print("{:<68} {:>9} {:>10} {:>10} {:>6}\n", "", "accesses", "cost", "ideal", "ratio");
  }

  template <typename Run>
  void add(const std::string& name, const Run& run) {
    if (name.find(options_.only) == std::string::npos) return;
    if (options_.barriers) {
      RaceCheck races;
      const emulation::Watch watch(&races, nullptr);
      run();
      print_barriers(name, races);
      return;
    }
    AccessCount count;
    {
      const emulation::Watch watch(nullptr, &count);
      run();
    }
    const std::vector<AccessLine> lines = count.lines();
    const BlockSizes blocks = count.block_sizes();
    print(name, lines, blocks, options_.all);
    std::fflush(stdout);
    cases_.push_back(record(name, lines, blocks));
  }

  void write() const {
    if (options_.json.empty()) return;
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    std::ofstream file(options_.json);
    file << fmt::format("{{\n \"date\": \"{:%Y-%m-%dT%H:%M:%S}+00:00\",\n", fmt::gmtime(now));
    file << " \"units\": {\"shared\": \"wavefronts\", \"device\": \"sectors of 32 bytes\"},\n \"cases\": [";
    for (std::size_t i = 0; i < cases_.size(); ++i) file << (i == 0 ? "\n  " : ",\n  ") << cases_[i].dump();
    file << "\n ]\n}\n";
    if (!file.flush()) throw Error("cannot write " + options_.json);
  }

 private:
  Options options_;
  std::vector<nlohmann::json> cases_;  // a line each in the file
};

void report(const Options& options) {
  Report report(options);
  for (const NamedMode& mode : kConvModes) {
    if (mode.mode.precision == device::Precision::bf16) continue;  // as fp16
    for (const Pass pass : kPasses)
      for (const Conv3x3Layer& l : kLayers) {
        const std::string channels = l.low_channels > 0 ? fmt::format("{}+{}", l.low_channels, l.skip_channels)
                                                        : fmt::to_string(l.skip_channels);
        report.add(
            fmt::format("{}, {}, {}->{}, {}x{}", mode.name, to_text(pass), channels, l.out_channels, l.height, l.width),
            [&] { run_convolution(l, mode.mode, pass, Pooling::no); });
      }
    report.add(fmt::format("{}, data gradient through pooling, 48->48, 32x32", mode.name), [&] {
      run_convolution({1, 32, 32, 0, 48, 48}, mode.mode, Pass::data_gradient, Pooling::yes);
    });
  }
  report.add("others fp32, 48 channels, 32x32", [] { run_others({1, 32, 32, 48}, device::Precision::fp32); });
  report.add("others fp16, 48 channels, 32x32", [] { run_others({1, 32, 32, 48}, device::Precision::fp16); });
  constexpr series::Shape kLayer{1, 32, 32, 48, 48, 1};
  constexpr series::Shape kDoubled{1, 32, 32, 48, 48, 2};
  for (const series::Step& step : series::steps())
    for (const series::Shape& shape : {kLayer, kDoubled})
      report.add(fmt::format("series {}, 48->48, 32x32{}", step.name, shape.doubling > 1 ? ", upsampled" : ""),
                 [&] { run_once(step, shape); });
  for (const series::WeightGradientStep& step : series::weight_gradient_steps())
    report.add(fmt::format("series {}, 48->48, 32x32", step.name), [&] { run_once(step, kLayer); });
  report.write();
}

Options parse(std::span<const char* const> arguments) {
  Options options;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const auto value = [&] {
      if (++i == arguments.size()) throw Error(fmt::format("{} needs a value", argument));
      return std::string(arguments[i]);
    };
    if (argument == "--all")
      options.all = true;
    else if (argument == "--barriers")
      options.barriers = true;
    else if (argument == "--only")
      options.only = value();
    else if (argument == "--json")
      options.json = value();
    else
      throw Error(fmt::format("unknown option '{}'; --help lists them", argument));
  }
  return options;
}

}  // namespace
}  // namespace n2s::test

int main(int count, char** arguments) {
  try {
    if (count == 2 && std::string_view(arguments[1]) == "--help") {
      fmt::print("{}", n2s::test::kUsage);
      return 0;
    }
    n2s::test::report(n2s::test::parse({arguments, static_cast<std::size_t>(count)}));
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "memory_access: {}\n", error.what());
    return 2;
  }
}

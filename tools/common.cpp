// What every verb shares.
#include "tools/common.h"

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "data/formats/formats.h"
#include "kernels/base/error.h"
#include "kernels/conv3x3/cpu/bf16_products.h"
#include "kernels/device/device_info.h"

namespace n2s {
namespace {

constexpr long kMostPositions = 1L << 31;  // along an axis

/// "cuda:1" -> 1; "auto" and "cuda" -> 0.
int cuda_device(const std::string& device) {
  if (device == "auto" || device == "cuda") return 0;
  constexpr std::string_view kPrefix = "cuda:";
  int number = 0;
  if (device.starts_with(kPrefix)) {
    const char* end = device.data() + device.size();
    const auto [stop, error] = std::from_chars(device.data() + kPrefix.size(), end, number);
    if (error == std::errc() && stop == end && number >= 0) return number;
  }
  throw Error(fmt::format("--device {}: not a device; choose auto, cpu, cuda or cuda:NUMBER", device));
}

/// CLI11 reads -1, and anything too large, into an unsigned number as 18446744073709551615.
std::string check_seed(const std::string& text) {
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::string() : fmt::format("{} is not a whole number from 0 to 18446744073709551615", text);
}

}  // namespace

void add_common_options(Verb& verb, CommonOptions& o) {
  verb.heading("Common");
  add_device_options(verb, o);
  add_seed_option(verb, o);
  add_threads_option(verb, o);
  add_report_options(verb, o);
}

void add_device_options(Verb& verb, CommonOptions& o) {
  verb.option("--device", o.device, "auto (the first GPU, else the CPU), cpu, cuda or cuda:NUMBER").show_default();
  verb.option("--precision", o.precision, "fp32; on GPUs also tf32, fp16 and bf16; bf16 on CPUs with AVX-512 BF16")
      .one_of({"fp32", "tf32", "fp16", "bf16"})
      .show_default();
}

void add_seed_option(Verb& verb, CommonOptions& o) {
  verb.option("--seed", o.seed, "Seed of all random numbers: the same seed gives the same result")
      .check(check_seed)
      .show_default();
}

void add_threads_option(Verb& verb, CommonOptions& o) {
  verb.option("--threads", o.threads, "CPU threads (default: one per core)").between(0L, 1024L);
}

void add_report_options(Verb& verb, CommonOptions& o) {
  verb.heading("Common");
  verb.flag("--quiet", o.quiet, "Print no notes and no progress");
  verb.flag("--json", o.json, "Print the result as one JSON object on standard output");
  verb.flag("--force", o.force, "Overwrite existing files");
}

std::optional<CudaOptions> chosen_gpu(const CommonOptions& o, std::string& why_cpu) {
  if (o.device == "cpu") return std::nullopt;
  const CudaOptions gpu{cuda_device(o.device), o.precision, o.variant};
  const std::string no_gpu = o.device == "auto" ? device::cuda_info().why_none : "";
  if (no_gpu.empty()) return gpu;
  why_cpu = fmt::format(" (--device auto: {})", no_gpu);
  return std::nullopt;
}

/// What --precision asks of the CPU. Throws Error for what it lacks.
CpuConvVariant cpu_variant(const CommonOptions& o, const std::string& why_cpu) {
  if (o.precision == "fp32") return CpuConvVariant::automatic;
  if (o.precision != "bf16")
    throw Error(fmt::format("--precision {}: the CPU computes in fp32 or bf16; leave it out or choose a GPU{}",
                            o.precision, why_cpu));
  if (!bf16::has_instruction())
    throw Error(
        fmt::format("--precision bf16: this CPU has no instructions for it (AVX-512 BF16); leave it out or "
                    "choose a GPU{}",
                    why_cpu));
  return CpuConvVariant::bf16;
}

Device open_device(const CommonOptions& o) {
  std::string why_cpu;
  if (const auto gpu = chosen_gpu(o, why_cpu)) {
    Device device = open_cuda(*gpu);
    say(o, "{}", device.backend->description());
    return device;
  }
  if (o.variant != "auto")
    throw Error(fmt::format("--variant {}: only GPUs have variants; leave it out{}", o.variant, why_cpu));
  Device device = open_cpu({o.threads, cpu_variant(o, why_cpu)});
  say(o, "{}, {}{}", device.backend->description(), o.precision, why_cpu);
  return device;
}

void add_page_option(Verb& verb, std::string& page, const std::string& what) {
  verb.option("--report", page, fmt::format("Also write a page (.html), one file, with {}", what));
}

void add_output_option(Verb& verb, std::string& path, const std::string& what) {
  verb.option("-o,--output", path, fmt::format("{}; its name ends in {}", what, format_extensions())).required();
}

void add_float_option(Verb& verb, bool& as_float) {
  verb.flag("--float", as_float, "Write float32, not the input's sample type, to which results are rounded");
}

WriteOptions write_options(const CommonOptions& common, bool as_float) {
  WriteOptions write;
  write.overwrite = common.force;
  if (as_float) write.type = SampleType::float32;
  return write;
}

void add_input_options(Verb& verb, InputOptions& o) {
  verb.heading(fmt::format("Input ({}; or a folder with a file for each plane)", format_names()));
  verb.option("--dataset", o.read.dataset,
              "HDF5: path of the dataset inside the file; OME-Zarr: resolution level, such as 1");
  verb.option("--series", o.read.series, "TIFF, OME-Zarr: which of the file's images, from 0")
      .between(0L, kMostPositions);
  verb.option("--axes", o.read.axes, "Names of the axes, slowest first, where the file does not say: such as CZYX");
  verb.option("--axis", o.stack.axis,
              "Axis along which the planes are stacked: x, y, z, t or c (default: z, or t where there is no z)");
  verb.option("--channel", o.stack.channel, "Only this channel, from 0 (default: all)").between(0L, kMostPositions);
  verb.option("--time", o.stack.time, "Only this time point, from 0 (default: all)").between(0L, kMostPositions);
  verb.option("--slice", o.stack.slice, "Only this slice along z, from 0, of stacks along t or c (default: all)")
      .between(0L, kMostPositions);
}

Stack middle_planes(Stack stack, int count) {
  if (count == 0 || count == stack.planes) return stack;
  if (count > stack.planes)
    throw Error(fmt::format("--middle {}: the stack has only {} planes; choose fewer", count, stack.planes));
  const std::ptrdiff_t pixels = std::ptrdiff_t{stack.height} * stack.width;
  const auto first = stack.voxels.begin() + (stack.planes - count) / 2 * pixels;
  return {count, stack.height, stack.width, std::vector<float>(first, first + count * pixels)};
}

void add_middle_option(Verb& verb, int& count) {
  verb.heading("Input");
  verb.option("--middle", count,
              "Use only this many planes, from the middle of the stack (the paper: 100 of each head)")
      .between(0L, 1000000L);
}

void say_text(const CommonOptions& options, const std::string& text) {
  if (!options.quiet) print_note(text + "\n");
}

std::string human_bytes(std::size_t bytes) {
  const double mebibytes = static_cast<double>(bytes) / (1 << 20);
  return mebibytes < 1024 ? fmt::format("{:.1f} MiB", mebibytes) : fmt::format("{:.2f} GiB", mebibytes / 1024);
}

}  // namespace n2s

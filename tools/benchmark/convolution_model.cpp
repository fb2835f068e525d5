// See convolution_model.h. Each number of a kernel stands where the kernel has it: tap_geometry.cuh, tile_loop.cuh,
// band.cuh, weight_gradient.cuh, packing.cuh.
#include "tools/benchmark/convolution_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <variant>

#include "engine/graph/extents.h"
#include "kernels/base/error.h"
#include "kernels/conv3x3/cuda/weight_slices.h"

namespace n2s {
namespace {

using device::ConvVariant;

constexpr int kChunk = 16;  // channels
constexpr int kWarps = 4;   // of a block of the forward pass and the data gradient

constexpr std::array kTermNames{"matrix products",
                                "shared memory beside them",
                                "waiting for copies",
                                "start and end of blocks",
                                "results",
                                "launch",
                                "adding up slices",
                                "pooled gradients",
                                "device memory"};

/// What the features cost; bench/fit_convolution_model prints them.
struct Costs {
  double hidden;   // of the less busy one of matrix units and shared memory: not hidden behind the other
  double step;     // cycles that a block waits in each step
  double wave;     // cycles of a wave of blocks
  double end;      // cycles for each tile of results
  double launch;   // microseconds
  double reduced;  // of the time in which 2 TB/s would read the partial sums
  double pooled;   // cycles more for each step of a pooled gradient
};
constexpr Costs kForward{0, 1500, 8033, 619, 5.45, 0, 0};
constexpr Costs kDataGradient{0, 1619, 8564, 285, 4.38, 0, 5513};
constexpr Costs kWeightGradient{0.65, 768, 0, 0, 9.37, 0.99, 1542};

const Costs& costs_of(ConvPass pass) {
  if (pass == ConvPass::forward) return kForward;
  return pass == ConvPass::data_gradient ? kDataGradient : kWeightGradient;
}

int ceil_div(int a, int b) {
  return (a + b - 1) / b;
}

int block_columns(int channels, int most) {
  int best = most;
  for (const int columns : {32, 16})
    if (columns < most && ceil_div(channels, columns) * columns < ceil_div(channels, best) * best) best = columns;
  return best;
}

/// How a fragment of 16x16 halfs is loaded.
struct Fragments {
  int rows_kept = 9;      // of the source that a warp keeps for all taps that read them; 0: none
  double wavefronts = 4;  // of a load
  int stages = 2;         // of shared memory
  int pitch(int elements) const { return stages == 2 ? (elements / 8 | 1) * 8 : (elements / 16 | 1) * 16; }
};
Fragments fragments_of(const ModelGpu& gpu) {
  if (gpu.variant == ConvVariant::mma) return {};
  if (gpu.variant == ConvVariant::mma_sm70) return {6, 8, 1};
  return {0, 16, 1};
}

/// A main loop over chunks of channels.
struct TileLoop {
  int pixels;          // of the source tile
  int taps;            // in the weights
  int taps_y, taps_x;  // of a warp
  int rows, row_step;  // of 16 output pixels, of a warp
};
constexpr TileLoop kPlainTile{18 * 18, 9, 3, 3, 4, 1};
constexpr TileLoop kPhaseLow{6 * 18, 16, 2, 2, 4, 1};
constexpr TileLoop kPhaseSkip{10 * 34, 9, 3, 3, 4, 2};
constexpr TileLoop kDown{18 * 34, 16, 4, 4, 2, 2};

void add_loop(const TileLoop& loop, int channels, const Fragments& fragments, KernelCounts& counts) {
  const int chunks = ceil_div(channels, kChunk);
  const int n = counts.columns / 16;
  const int taps = loop.taps_y * loop.taps_x;
  const int source_rows = (loop.rows - 1) * loop.row_step + loop.taps_y;
  const int a_loads = source_rows <= fragments.rows_kept ? loop.taps_x * source_rows : taps * loop.rows;
  const double loads = (a_loads + taps * n) * fragments.wavefronts;
  const double copies = (loop.pixels * kChunk + loop.taps * kChunk * counts.columns) * 2 / 128.0;
  counts.products += double{1} * taps * loop.rows * n * kWarps * chunks;
  counts.wavefronts += (loads * kWarps + copies) * chunks;
  counts.steps += chunks;
}

int tile_bytes(const TileLoop& loop, int columns, const Fragments& fragments) {
  const int stage = loop.pixels * fragments.pitch(kChunk) + loop.taps * kChunk * fragments.pitch(columns);
  return stage * 2 * fragments.stages + loop.pixels * 4;
}

int resident(const ModelGpu& gpu, int by_registers, int shared_bytes) {
  constexpr int kOfTheSystem = 1024;  // bytes a block
  return std::max(1, std::min(by_registers, gpu.shared_kib * 1024 / (shared_bytes + kOfTheSystem)));
}

KernelCounts count_forward(const Conv3x3Layer& l, const ModelGpu& gpu) {
  const int staged = 256 * (gpu.variant == ConvVariant::mma_sm70 ? 20 : 24) * 4;  // bytes
  const Fragments fragments = fragments_of(gpu);
  KernelCounts counts;
  const bool phased = l.low_channels > 0;
  counts.is_low = phased;
  counts.columns = block_columns(l.out_channels, 48);
  const int tiles =
      phased ? ceil_div(l.height, 8) * ceil_div(l.width, 32) : ceil_div(l.height, 16) * ceil_div(l.width, 16);
  counts.blocks = double{1} * tiles * l.batch * ceil_div(l.out_channels, counts.columns);
  if (phased) add_loop(kPhaseLow, l.low_channels, fragments, counts);
  if (l.skip_channels > 0) add_loop(phased ? kPhaseSkip : kPlainTile, l.skip_channels, fragments, counts);
  const int n = counts.columns / 16;
  counts.ends = n;
  const int shared = phased ? std::max(tile_bytes(kPhaseLow, counts.columns, fragments),
                                       tile_bytes(kPhaseSkip, counts.columns, fragments))
                            : tile_bytes(kPlainTile, counts.columns, fragments);
  counts.resident = resident(gpu, 3, std::max(shared, staged));
  return counts;
}

KernelCounts count_data_gradient(const Conv3x3Layer& l, bool is_low, bool is_pooled, const ModelGpu& gpu) {
  const Fragments fragments = fragments_of(gpu);
  const int channels = is_low ? l.low_channels : l.skip_channels;
  const TileLoop& loop = is_low ? kDown : kPlainTile;
  KernelCounts counts;
  counts.pass = ConvPass::data_gradient;
  counts.is_low = is_low;
  counts.is_pooled = is_pooled;
  counts.columns = block_columns(channels, is_low && gpu.variant == ConvVariant::mma ? 32 : 48);
  const int tiles =
      is_low ? ceil_div(l.height / 2, 8) * ceil_div(l.width / 2, 16) : ceil_div(l.height, 16) * ceil_div(l.width, 16);
  counts.blocks = double{1} * tiles * l.batch * ceil_div(channels, counts.columns);
  add_loop(loop, l.out_channels, fragments, counts);
  const int n = counts.columns / 16;
  counts.ends = n * (is_low ? 0.5 : 1.0);
  counts.resident = resident(gpu, 3, tile_bytes(loop, counts.columns, fragments));
  return counts;
}

constexpr int kPatchRows = 8;

int patches_of(const Conv3x3Layer& l, bool is_low) {
  return l.batch * ceil_div(l.height, kPatchRows) * ceil_div(l.width, is_low ? 32 : 16);
}

device::InputTiles weight_inputs(const Conv3x3Layer& l, bool is_low, const ModelGpu& gpu) {
  if (is_low) return {l.low_channels, 0};
  if (fragments_of(gpu).stages == 2) return {l.skip_channels, 0};
  return device::input_tiles(l.skip_channels, patches_of(l, is_low), 2 * gpu.multiprocessors);
}

/// A band of a patch of 8 x 16 or (in four phases) 8 x 32 pixels, for some channels of a source in blocks of
/// `block_inputs`: 32, or 16, where half of the warps have half of the rows.
KernelCounts count_weight_gradient(const Conv3x3Layer& l, bool is_low, bool is_pooled, int channels, int block_inputs,
                                   const ModelGpu& gpu) {
  const Fragments fragments = fragments_of(gpu);
  const int parts = 32 / block_inputs;
  KernelCounts counts;
  counts.pass = ConvPass::weight_gradient;
  counts.is_low = is_low;
  counts.is_pooled = is_pooled;
  counts.columns = block_columns(l.out_channels, is_low ? 32 : 48);
  const int n = counts.columns / 16;
  const int tiles = ceil_div(channels, block_inputs) * ceil_div(l.out_channels, counts.columns);
  const int patches = patches_of(l, is_low);
  const int slices = device::weight_slices(patches, tiles, 2 * gpu.multiprocessors);
  const int rows = kPatchRows / fragments.stages;  // of a band
  const int warps = is_low ? 8 : 6;
  const int steps = (is_low ? rows / 2 : rows) / parts;  // of a warp
  const int taps_y = is_low ? 2 : 3;
  const int taps_x = is_low ? 2 : 1;
  const int a_loads = fragments.rows_kept > 0 ? (steps + taps_y - 1) * taps_x : steps * taps_y * taps_x;
  const int source_pixels = (is_low ? rows / 2 + 2 : rows + 2) * 18;
  const int pixels = rows * (is_low ? 32 : 16);
  const double wavefronts = (a_loads + steps * n) * fragments.wavefronts * warps +
                            (source_pixels * block_inputs + pixels * counts.columns) * 2 / 128.0;
  counts.steps = double{1} * patches / slices * fragments.stages;
  counts.products = double{1} * steps * taps_y * taps_x * n * warps * counts.steps;
  counts.wavefronts = wavefronts * counts.steps;
  counts.blocks = double{1} * tiles * slices;
  counts.reduced_bytes = double{4} * slices * parts * (is_low ? 16 : 9) * tiles * block_inputs * counts.columns;
  const int shared =
      (source_pixels * fragments.pitch(block_inputs) + pixels * fragments.pitch(counts.columns)) * 2 * fragments.stages;
  counts.resident = resident(gpu, is_low && gpu.variant == ConvVariant::mma ? 1 : 2, shared);
  return counts;
}

/// Bytes that have to move at least: source and result once.
double least_bytes(const ConvolutionCase& work) {
  const Conv3x3Layer& l = work.layer;
  const double pixels = double{1} * l.batch * l.height * l.width;
  const double low = pixels / 4 * ceil_div(l.low_channels, 8) * 8;
  const double skip = pixels * ceil_div(l.skip_channels, 8) * 8;
  const double out = pixels * ceil_div(l.out_channels, 8) * 8;
  if (work.pass != ConvPass::data_gradient) return 2 * (low + skip + out);
  return 2 * ((work.wants_low ? low : 0) + (work.wants_skip ? skip : 0) + out);
}

/// Milliseconds for each of the costs: the busier unit (its cost is 1), the less busy one, steps, waves, results,
/// launches, slices, pooled steps.
std::array<double, 8> features_of(const KernelCounts& k, const ModelGpu& gpu) {
  constexpr double kFlopOfProduct = 2 * 16 * 16 * 16;
  constexpr double kReduced = 2e12;  // bytes/s
  const double per_cycle = 1e-6 / gpu.gigahertz;
  const double here = std::clamp(k.blocks / gpu.multiprocessors, 1.0, double{1} * k.resident);
  double waves = k.blocks / (gpu.multiprocessors * here);
  waves = waves < 4 ? std::ceil(waves - 1e-9) : waves + 0.5;  // blocks of later waves start as others end
  const double products = here * k.products * kFlopOfProduct / gpu.flop_per_cycle;
  const double wavefronts = here * k.wavefronts;
  return {waves * std::max(products, wavefronts) * per_cycle,
          waves * std::min(products, wavefronts) * per_cycle,
          waves * k.steps * per_cycle,
          waves * per_cycle,
          waves * here * k.ends * per_cycle,
          1e-3,
          k.reduced_bytes / kReduced * 1e3,
          k.is_pooled ? waves * k.steps * per_cycle : 0};
}

double gflop_of(const ConvolutionCase& work) {
  const Conv3x3Layer& l = work.layer;
  int inputs = l.low_channels + l.skip_channels;
  if (work.pass == ConvPass::data_gradient)
    inputs = (work.wants_low ? l.low_channels : 0) + (work.wants_skip ? l.skip_channels : 0);
  return 2e-9 * 9 * inputs * l.out_channels * l.batch * l.height * l.width;
}

}  // namespace

const std::vector<ModelGpu>& model_gpus() {
  static const std::vector<ModelGpu> gpus{
      {"v100", ConvVariant::mma_sm70, 80, 1.53, 1024, 96, 900},
      {"v100-wmma", ConvVariant::wmma, 80, 1.53, 1024, 96, 900},
      {"a100", ConvVariant::mma, 108, 1.41, 2048, 164, 2039},
      {"h100", ConvVariant::mma, 132, 1.98, 2300, 228, 3350},  // mma.sync reaches 600 of the 989 TFLOP/s
      {"h200", ConvVariant::mma, 132, 1.98, 2300, 228, 4800},
  };
  return gpus;
}

const ModelGpu& find_model_gpu(const std::string& name) {
  for (const ModelGpu& gpu : model_gpus())
    if (gpu.name == name) return gpu;
  throw Error(fmt::format("--model {}: not a GPU of the model", name));
}

std::vector<KernelCounts> count_kernels(const ConvolutionCase& work, const ModelGpu& gpu) {
  const Conv3x3Layer& l = work.layer;
  if (work.pass == ConvPass::forward) return {count_forward(l, gpu)};
  std::vector<KernelCounts> kernels;
  for (const bool is_low : {true, false}) {
    if ((is_low ? l.low_channels : l.skip_channels) == 0) continue;
    if (work.pass == ConvPass::weight_gradient) {
      const device::InputTiles inputs = weight_inputs(l, is_low, gpu);
      if (inputs.wide > 0) kernels.push_back(count_weight_gradient(l, is_low, work.is_pooled, inputs.wide, 32, gpu));
      if (inputs.narrow > 0)
        kernels.push_back(count_weight_gradient(l, is_low, work.is_pooled, inputs.narrow, 16, gpu));
    } else if (is_low ? work.wants_low : work.wants_skip)
      kernels.push_back(count_data_gradient(l, is_low, work.is_pooled, gpu));
  }
  return kernels;
}

std::vector<double> model_features(const std::vector<KernelCounts>& kernels, const ModelGpu& gpu) {
  std::vector<double> sum(8);
  for (const KernelCounts& kernel : kernels) {
    const std::array<double, 8> features = features_of(kernel, gpu);
    std::transform(sum.begin(), sum.end(), features.begin(), sum.begin(), std::plus<>());
  }
  return sum;
}

double PredictedTime::milliseconds() const {
  return std::accumulate(terms.begin(), terms.end(), 0.0);
}

std::string PredictedTime::bound() const {
  return kTermNames.at(static_cast<std::size_t>(std::max_element(terms.begin(), terms.end()) - terms.begin()));
}

PredictedTime predict(const std::vector<KernelCounts>& kernels, const ModelGpu& gpu) {
  PredictedTime time;
  time.terms.assign(kTermNames.size(), 0);
  for (const KernelCounts& kernel : kernels) {
    const Costs& c = costs_of(kernel.pass);
    const std::array<double, 8> features = features_of(kernel, gpu);
    const std::array<double, 8> costs{1, c.hidden, c.step, c.wave, c.end, c.launch, c.reduced, c.pooled};
    for (std::size_t i = 0; i < costs.size(); ++i) time.terms[i] += costs.at(i) * features.at(i);
  }
  return time;
}

std::vector<PredictedOperation> predict_convolutions(const Graph& graph, const Extents& extents, const ModelGpu& gpu) {
  const auto shape = [&](ValueId id) {
    return id == kNone ? Shape{} : shape_of(graph.values.at(static_cast<std::size_t>(id)), extents);
  };
  const auto outputs = [&](LayerId id) { return graph.layers.at(static_cast<std::size_t>(id)).out_channels; };
  const auto of_sources = [&](ValueId low_id, ValueId skip_id, LayerId layer) {
    const Shape low = shape(low_id);
    const Shape skip = shape(skip_id);
    return Conv3x3Layer{extents.batch,
                        std::max(skip.height, 2 * low.height),
                        std::max(skip.width, 2 * low.width),
                        low.channels,
                        skip.channels,
                        outputs(layer)};
  };
  std::vector<PredictedOperation> predicted;
  for (const Operation& operation : graph.operations) {
    ConvolutionCase work;
    if (const auto* conv = std::get_if<Convolution>(&operation)) {
      work.layer = of_sources(conv->low, conv->skip, conv->layer);
    } else if (const auto* data = std::get_if<ConvolutionDataGradient>(&operation)) {
      const Shape dense = shape(data->output_gradient.dense);
      const Shape pooled = shape(data->output_gradient.pooled);
      work = {{extents.batch, std::max(dense.height, 2 * pooled.height), std::max(dense.width, 2 * pooled.width),
               data->low_channels, data->skip_channels, outputs(data->layer)},
              ConvPass::data_gradient,
              data->output_gradient.pooled != kNone,
              data->low.gradient != kNone,
              data->skip.gradient != kNone};
    } else if (const auto* weight = std::get_if<ConvolutionWeightGradient>(&operation)) {
      work = {of_sources(weight->low, weight->skip, weight->layer), ConvPass::weight_gradient,
              weight->output_gradient.pooled != kNone};
    } else {
      continue;
    }
    PredictedOperation one{label(graph, operation), work, gflop_of(work), 0, count_kernels(work, gpu), {}};
    for (const KernelCounts& kernel : one.kernels) one.executed_gflop += kernel.blocks * kernel.products * 8192e-9;
    one.time = predict(one.kernels, gpu);
    const double memory = least_bytes(work) / gpu.gbytes_per_second * 1e-6;
    if (memory > one.time.milliseconds()) {
      std::fill(one.time.terms.begin(), one.time.terms.end(), 0.0);
      one.time.terms.back() = memory;
    }
    predicted.push_back(std::move(one));
  }
  return predicted;
}

}  // namespace n2s

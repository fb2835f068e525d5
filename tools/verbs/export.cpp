// Writes a model as ONNX, as a BioImage.IO package, or as PyTorch's source and state.
#include "tools/verbs/export.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/atomic_file.h"
#include "data/json_text.h"
#include "engine/devices/device.h"
#include "engine/training/checkpoint.h"
#include "kernels/base/error.h"
#include "tools/common.h"
#include "tools/export/bioimage_package.h"
#include "tools/export/onnx_model.h"
#include "tools/export/plane_offsets.h"
#include "tools/export/pytorch_module.h"
#include "tools/export/zip_file.h"
#include "tools/json_output.h"
#include "tools/model_use.h"
#include "tools/report/example_planes.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

struct ExportOptions {
  CommonOptions common;
  OnnxOptions onnx;
  PackageTexts texts;
  std::string model, out;
  std::optional<std::size_t> channel;
  bool pytorch = false;
};

/// The file of the one model that is exported.
fs::path chosen_model(const ExportOptions& o) {
  const std::vector<LoadedModel> models = load_models(o.model);
  if (!models.front().of_one_channel) {
    if (o.channel) throw Error(fmt::format("{}: has one network for all channels; leave --channel out", o.model));
    return model_file(o.model);
  }
  if (!o.channel || *o.channel >= models.size())
    throw Error(fmt::format("{}: has a network for each of {} channels; choose one with --channel, from 0 to {}",
                            o.model, models.size(), models.size() - 1));
  return model_file(fs::path(o.model) / fmt::format("channel{}", *o.channel));
}

/// Returns the files that it has written.
std::vector<std::string> write_pytorch(const ExportOptions& o, const fs::path& file, const LoadedModel& model,
                                       const std::string& configuration) {
  if (o.onnx.normalises) throw Error("--with-normalisation: is for ONNX; a PyTorch network takes normalised values");
  const fs::path state = fs::path(o.out).replace_extension(".safetensors");
  check_output_path(state, o.common.force);
  if (fs::exists(state) && fs::equivalent(state, file))
    throw Error(fmt::format("{}: is the model itself; choose another name for the output", state.string()));
  copy_file_atomically(file, state);
  write_text_atomically(o.out, pytorch_module(model, configuration, state.filename().string()));
  return {o.out, state.string()};
}

/// The first plane that the run has stored for its report.
std::optional<PackageExample> example_of(const fs::path& run) {
  if (!fs::is_directory(run)) return std::nullopt;
  const std::optional<Stack> noisy = read_example(run / "shown-input.tif");
  const std::optional<Stack> restored = read_example(run / "shown-restored.tif");
  if (!noisy || !restored) return std::nullopt;
  return PackageExample{*noisy, *restored};
}

void write_package(const ExportOptions& o, const LoadedModel& model, const std::string& configuration) {
  if (o.onnx.normalises)
    throw Error("--with-normalisation: is for ONNX; a package holds the normalisation as pre- and post-processing");
  const Device cpu = open_cpu({});
  const std::vector<ArchivedFile> files = bioimage_package(model, configuration, o.texts, example_of(o.model), cpu);
  write_text_atomically(o.out, zip_archive(files, ZipCompression::deflate));
}

void export_model(const ExportOptions& o) {
  const fs::path extension = fs::path(o.out).extension();
  const bool is_pytorch = extension == ".py", is_package = extension == ".zip";
  if (!is_pytorch && !is_package && extension != ".onnx")
    throw Error(
        fmt::format("{}: cannot tell the format; end the name in .onnx, .zip (BioImage.IO) or .py (PyTorch)", o.out));
  if (o.pytorch && !is_pytorch) throw Error(fmt::format("{}: --pytorch writes Python; end the name in .py", o.out));
  check_output_path(o.out, o.common.force);
  const fs::path file = chosen_model(o);
  const LoadedModel model = load_model(file);
  const std::string configuration = json_text(load_configuration(file.string()));
  std::vector<std::string> files{o.out};
  if (is_pytorch)
    files = write_pytorch(o, file, model, configuration);
  else if (is_package)
    write_package(o, model, configuration);
  else
    write_text_atomically(o.out, onnx_model(model, configuration, o.onnx));
  if (o.common.json)
    print_json({{"files", files},
                {"network", model.network->name},
                {"offsets", plane_offsets(model)},
                {"values", o.onnx.normalises || is_package ? "of the file" : "normalised"}});
  for (const std::string& written : files) say(o.common, "{}: written", written);
}

}  // namespace

void add_export(Program& program) {
  auto options = std::make_shared<ExportOptions>();
  Verb verb = program.add_verb("export", "Write a trained network as ONNX, BioImage.IO or PyTorch");
  verb.option("MODEL", options->model, "A run's folder, or a model file (.safetensors)").required();
  verb.option(
          "-o,--output", options->out,
          "NAME.onnx; NAME.zip: a BioImage.IO package (ONNX, PyTorch, test images); or NAME.py: the network in plain "
          "PyTorch, with NAME.safetensors, its state")
      .required();
  verb.flag(
      "--with-normalisation", options->onnx.normalises,
      "ONNX: put the normalisation of the training data into the graph, which then takes and gives values of the file "
      "(default: the caller normalises each stack)");
  verb.flag("--pytorch", options->pytorch, "Write PyTorch, which a name that ends in .py says as well");
  verb.option("--channel", options->channel, "Of a run with a network for each channel: which one, from 0")
      .between(0L, 1'000'000L);
  verb.option("--title", options->texts.title, "Package: its name (default: network and method)");
  verb.option("--author", options->texts.author, "Package: who made the model");
  verb.option("--licence", options->texts.licence,
              "Package: the model's licence by SPDX, such as CC-BY-4.0 (default: none is named)");
  add_report_options(verb, options->common);
  verb.footer(
      "The input has a channel for each plane that the network sees; their offsets are in the file.\n"
      "Examples:\n"
      "  n2s export run -o model.onnx\n"
      "  n2s export run -o model.py        and back: n2s import model.safetensors --like run -o new.safetensors");
  verb.on_run([options] { export_model(*options); });
}

}  // namespace n2s

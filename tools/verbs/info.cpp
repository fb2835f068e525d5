// Collects what is known of the build, an image or a model as JSON, and prints it.
#include "tools/verbs/info.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "data/formats/image_sequence.h"
#include "data/formats/zarr_array.h"
#include "data/image_reader.h"
#include "data/json_text.h"
#include "data/stack.h"
#include "engine/cpu/cpu_backend.h"
#include "engine/training/checkpoint.h"
#include "kernels/base/error.h"
#include "kernels/base/simd.h"
#include "kernels/base/thread_pool.h"
#include "kernels/device/device_info.h"
#include "tools/common.h"
#include "tools/components.h"
#include "tools/json_output.h"
#include "tools/libraries.h"
#include "tools/model_use.h"

namespace n2s {
namespace {

struct InfoOptions {
  CommonOptions common;
  InputOptions input;
  std::string file;
  bool licences = false;
};

/// The machine code in this build that the device runs, or why there is none.
std::string code_of(int index) {
  try {
    return device::kernel_code(index);
  } catch (const Error& error) {
    return error.what();
  }
}

nlohmann::json cuda() {
  const device::CudaInfo found = device::cuda_info();
  nlohmann::json json = nlohmann::json::object();
  if (!found.runtime.empty()) json["runtime"] = found.runtime;
  if (!found.driver.empty()) json["driver"] = found.driver;
  if (found.devices.empty()) json["none"] = found.why_none;
  for (const device::DeviceInfo& d : found.devices)
    json[fmt::format("cuda:{}", d.index)] = {{"name", d.name},
                                             {"compute capability", fmt::format("{}.{}", d.major, d.minor)},
                                             {"memory", human_bytes(d.memory)},
                                             {"multiprocessors", d.multiprocessors},
                                             {"code", code_of(d.index)}};
  return json;
}

nlohmann::json build(const CommonOptions& common) {
  const ThreadPool pool(common.threads);
  const CpuBackend backend(CpuBackendOptions{common.threads, CpuConvVariant::automatic});
  return {{"version", N2S_VERSION}, {"device", backend.description()},
          {"simd", simd_name()},    {"threads", pool.threads()},
          {"cuda", cuda()},         {"libraries", library_versions()}};
}

nlohmann::json model(const std::string& path, const LoadedModel& loaded) {
  nlohmann::json json = load_configuration(model_file(path).string());
  json["parameters"] = loaded.parameters.size();
  return json;
}

/// One model, or one for each channel.
nlohmann::json models(const std::string& path) {
  const std::vector<LoadedModel> loaded = load_models(path);
  if (!loaded.front().of_one_channel) return model(path, loaded.front());
  nlohmann::json json;
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    const std::string channel = fmt::format("channel{}", i);
    json[channel] = model((std::filesystem::path(path) / channel).string(), loaded[i]);
  }
  return json;
}

nlohmann::json image(const std::string& path, const InputOptions& input) {
  const std::unique_ptr<ImageReader> reader = open_image(path, input.read);
  const Image& loaded = reader->image();
  nlohmann::json json{{"axes", describe_axes(loaded.axes)},
                      {"type", std::string(sample_type_name(loaded.type))},
                      {"unit", loaded.unit},
                      {"stack", select_stacks(loaded, input.stack).describe}};
  for (const Axis& axis : loaded.axes) json["spacing"][std::string(1, axis.name)] = axis.spacing;
  return json;
}

/// One line per entry; nested objects are indented.
void print(const nlohmann::json& json, int indent) {
  for (const auto& [key, value] : json.items()) {
    const std::string text = value.is_object() ? "" : value.is_string() ? value.get<std::string>() : json_text(value);
    fmt::print("{:{}}{:<{}} {}\n", "", indent, key, 20 - indent, text);
    if (value.is_object()) print(value, indent + 2);
  }
}

bool holds_model(const std::filesystem::path& folder) {
  return std::filesystem::exists(folder / "model.safetensors") || std::filesystem::exists(folder / "channel0");
}

void info(const InfoOptions& o) {
  if (o.licences) {
    if (o.common.json)
      print_json(components_json());
    else
      fmt::print("{}", components_text());
    return;
  }
  const bool is_image_folder = is_zarr_folder(o.file) || (!holds_model(o.file) && !image_sequence(o.file).empty());
  const bool is_model = o.file.ends_with(".safetensors") || (std::filesystem::is_directory(o.file) && !is_image_folder);
  const nlohmann::json json = o.file.empty() ? build(o.common) : is_model ? models(o.file) : image(o.file, o.input);
  if (o.common.json) {
    print_json(json);
    return;
  }
  print(json, 0);
}

}  // namespace

void add_info(Program& program) {
  auto options = std::make_shared<InfoOptions>();
  Verb verb = program.add_verb("info", "Describe a file, a model, or this build");
  verb.option("FILE", options->file, "An image file, a model or a run's folder (default: this build and machine)");
  verb.flag("--licences", options->licences,
            "List what the program is made of, with versions and licences; with --json as CycloneDX");
  add_input_options(verb, options->input);
  add_common_options(verb, options->common);
  verb.footer(
      "Examples:\n"
      "  n2s info                     this build and machine\n"
      "  n2s info brain.nii.gz        its axes, and which planes n2s would work on\n"
      "  n2s info run                 what the model of a run was trained on");
  verb.on_run([options] { info(*options); });
}

}  // namespace n2s

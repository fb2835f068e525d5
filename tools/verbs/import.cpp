// Checks the names and shapes of parameters against a network, and writes them as a model.
#include "tools/verbs/import.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "data/atomic_file.h"
#include "data/normalisation.h"
#include "engine/training/checkpoint.h"
#include "kernels/base/error.h"
#include "nets/network.h"
#include "tools/common.h"
#include "tools/json_output.h"
#include "tools/model_use.h"

namespace n2s {
namespace {

struct ImportOptions {
  CommonOptions common;
  std::string state, out, like, network, normalisation;
  int planes = 0, gap = 0;
};

/// Of the model: that of --like, else what the options say.
nlohmann::json configuration_of(const ImportOptions& o) {
  if (!o.like.empty()) {
    if (!o.network.empty() || o.planes != 0 || o.gap != 0 || !o.normalisation.empty())
      throw Error("--like: says what --net, --planes, --gap and --normalise say; give either");
    return load_configuration(model_file(o.like).string());
  }
  if (o.network.empty() || o.planes == 0) throw Error("say which network it is: --like MODEL, or --net and --planes");
  const Network& network = find_network(o.network);
  Normalisation normalisation;
  normalisation.kind = o.normalisation.empty() ? network.normalisation : o.normalisation;
  return {{"network", network.name}, {"planes", o.planes}, {"gap", o.gap}, {"normalisation", normalisation}};
}

void import_state(const ImportOptions& o) {
  if (std::filesystem::path(o.out).extension() != ".safetensors")
    throw Error(fmt::format("{}: a model's file; end its name in .safetensors", o.out));
  check_output_path(o.out, o.common.force);
  const nlohmann::json configuration = configuration_of(o);
  const Network& network = find_network(configuration.at("network").get<std::string>());
  const std::vector<Layer> layers = network.build(configuration.at("planes").get<int>()).layers;
  save_model(o.out, layers, {configuration, load_parameters(o.state, layers)});
  if (o.common.json) print_json({{"output", o.out}, {"configuration", configuration}});
  say(o.common, "{}: written; try: n2s denoise {} noisy.tif -o restored.tif", o.out, o.out);
}

}  // namespace

void add_import(Program& program) {
  auto options = std::make_shared<ImportOptions>();
  Verb verb = program.add_verb("import", "Take a network's parameters from PyTorch");
  verb.option("STATE", options->state, "The state of the network that n2s export has written (.safetensors)")
      .required();
  verb.option("-o,--output", options->out, "The model, NAME.safetensors").required();
  verb.option("--like", options->like, "A model of the same network: its settings are taken over");
  verb.option("--net", options->network, "The network: " + network_names());
  verb.option("--planes", options->planes, "Its input planes").between(1L, 1024L);
  verb.option("--gap", options->gap, "Planes that are left out on each side of the one to restore").between(0L, 1024L);
  verb.option("--normalise", options->normalisation, "How the stacks were normalised (default: by network)")
      .one_of(normalisation_kinds());
  add_report_options(verb, options->common);
  verb.footer("Example: n2s import trained.safetensors --like run -o model.safetensors");
  verb.on_run([options] { import_state(*options); });
}

}  // namespace n2s

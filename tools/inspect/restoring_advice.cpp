// See restoring_advice.h.
#include "tools/inspect/restoring_advice.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "data/json_text.h"
#include "tools/inspect/inspected_stack.h"
#include "tools/inspect/reports.h"
#include "tools/model_use.h"

namespace n2s {
namespace {

/// Not where another option belongs to a method: an even number of planes to Noise2Stack, a mask to those that hide
/// pixels, a network to the one that it was made for.
bool leaves_method_open(const TrainingOptions& o) {
  const bool hides = !o.mask.empty() || !o.replacement.empty() || !o.line.empty() || o.window > 0;
  return o.method.empty() && o.network.empty() && !hides && (o.planes == 0 || o.planes % 2 == 1);
}

}  // namespace

std::string take_advice(TrainingOptions& options, const OpenFile& file, const NetworkGroup& group,
                        const CommonOptions& common) {
  const bool is_decided = options.planes > 0 && options.gap >= 0 && !options.normalisation.empty();
  if (options.advice == "off" || is_decided || method_name(options) != BatchSettings{}.method || !options.noise.empty())
    return {};
  const bool may_choose_method = leaves_method_open(options);
  const std::size_t stack = group.stacks[group.stacks.size() / 2];
  const Advice advice = inspect_stack(file, stack, may_choose_method).advice;
  const std::string name = file.name_of(stack);
  for (const std::string& warning : advice.warnings)
    if (advice.trust == Trust::no)
      warn("{}: {}", name, warning);
    else
      say(common, "{}: {}", name, warning);
  if (may_choose_method) options.method = advice.method;
  if (options.planes == 0) options.planes = advice.planes;
  if (options.gap < 0) options.gap = advice.gap;
  // The map has to suit the network, which the advice may not have chosen.
  if (options.normalisation.empty() && options.network.empty()) options.normalisation = advice.normalisation;
  say(common, "{}: {}, {} plane{}, gap {}{}, by inspection{} (n2s inspect tells more; --advice off goes without)", name,
      method_name(options), options.planes, options.planes == 1 ? "" : "s", options.gap,
      options.normalisation.empty() ? std::string() : fmt::format(", normalisation {}", options.normalisation),
      advice.because.empty() ? std::string() : ": " + advice.because);
  return json_text(advice_json(advice));
}

void take_settings_of_run(TrainingOptions& options, const std::filesystem::path& folder) {
  const LoadedModel model = load_model(folder / "last.safetensors");
  if (options.method.empty()) options.method = model.method;
  if (options.network.empty()) options.network = model.network->name;
  if (options.planes == 0) options.planes = model.planes;
  if (options.gap < 0) options.gap = model.gap;
  if (options.normalisation.empty()) options.normalisation = model.normalisation.kind;
}

}  // namespace n2s

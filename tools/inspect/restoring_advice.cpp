// See restoring_advice.h.
#include "tools/inspect/restoring_advice.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "data/json_text.h"
#include "tools/inspect/inspected_stack.h"
#include "tools/inspect/reports.h"
#include "tools/model_use.h"

namespace n2s {

std::string take_advice(TrainingOptions& options, const OpenFile& file, const NetworkGroup& group,
                        const CommonOptions& common) {
  const bool is_decided = options.planes > 0 && options.gap >= 0 && !options.normalisation.empty();
  if (options.advice == "off" || is_decided || options.method != BatchSettings{}.method || !options.noise.empty())
    return {};
  const std::size_t stack = group.stacks[group.stacks.size() / 2];
  const Advice advice = inspect_stack(file, stack).advice;
  const std::string name = file.name_of(stack);
  for (const std::string& warning : advice.warnings)
    if (advice.trust == Trust::no)
      warn("{}: {}", name, warning);
    else
      say(common, "{}: {}", name, warning);
  if (options.planes == 0) options.planes = advice.planes;
  if (options.gap < 0) options.gap = advice.gap;
  // The map has to suit the network, which the advice may not have chosen.
  if (options.normalisation.empty() && options.network.empty()) options.normalisation = advice.normalisation;
  say(common, "{}: {} planes, gap {}{}, by inspection (n2s inspect gives the reasons; --advice off goes without)", name,
      options.planes, options.gap,
      options.normalisation.empty() ? std::string() : fmt::format(", normalisation {}", options.normalisation));
  return json_text(advice_json(advice));
}

void take_settings_of_run(TrainingOptions& options, const std::filesystem::path& folder) {
  const LoadedModel model = load_model(folder / "last.safetensors");
  if (options.planes == 0) options.planes = model.planes;
  if (options.gap < 0) options.gap = model.gap;
  if (options.normalisation.empty()) options.normalisation = model.normalisation.kind;
}

}  // namespace n2s

// The rows of the table of training methods.
#include "engine/training/methods.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr std::array kMethods{
    TrainingMethod{"noise2stack", "self-supervised", InputPlanes::neighbours, TargetOf::source_copy, false},
    TrainingMethod{"noise2stack", "with a second noisy copy", InputPlanes::neighbours_and_target, TargetOf::second_copy,
                   true},
    TrainingMethod{"noise2noise", "each plane from its second noisy copy", InputPlanes::target_alone,
                   TargetOf::second_copy, true},
    TrainingMethod{"noise2clean", "supervised by clean planes", InputPlanes::neighbours_and_target,
                   TargetOf::clean_source, true},
    TrainingMethod{"even-odd", "even planes from odd ones and back, or two noisy copies from each other",
                   InputPlanes::target_alone, TargetOf::partner_copy, false},
    TrainingMethod{"noise2void", "single planes, random pixels hidden", InputPlanes::neighbours_and_target,
                   TargetOf::source_copy, false, BlindSpots{}, "blind-spot"},
    TrainingMethod{"n2v2", "the same with medians in their place, and a network without checkerboard",
                   InputPlanes::neighbours_and_target, TargetOf::source_copy, false,
                   BlindSpots{.replacement = BlindReplacement::median}, "n2v2"},
    TrainingMethod{"structn2v", "the same, hidden along lines, for noise correlated along them",
                   InputPlanes::neighbours_and_target, TargetOf::source_copy, false, BlindSpots{.line_width = 11},
                   "blind-spot"},
    TrainingMethod{"noise2self", "single planes, every fourth pixel of every fourth row hidden",
                   InputPlanes::neighbours_and_target, TargetOf::source_copy, false,
                   BlindSpots{.box = 4, .is_grid = true, .replacement = BlindReplacement::interpolate}, "blind-spot"},
};

bool takes(const TrainingMethod& method, int planes) {
  switch (method.inputs) {
    case InputPlanes::neighbours:
      return planes >= 2 && planes % 2 == 0;
    case InputPlanes::neighbours_and_target:
      return planes >= 1 && planes % 2 == 1;
    case InputPlanes::target_alone:
      return planes == 1;
  }
  return false;
}

struct PlanesText {
  std::string_view numbers, meaning;
};
PlanesText planes_text(InputPlanes inputs) {
  switch (inputs) {
    case InputPlanes::neighbours:
      return {"2, 4, 6 ...", "the neighbours"};
    case InputPlanes::neighbours_and_target:
      return {"1, 3, 5 ...", "the plane itself and its neighbours"};
    case InputPlanes::target_alone:
      return {"1", "the plane itself"};
  }
  return {};
}

std::vector<const TrainingMethod*> rows_named(const std::string& name) {
  std::vector<const TrainingMethod*> rows;
  for (const TrainingMethod& method : kMethods)
    if (method.name == name) rows.push_back(&method);
  if (rows.empty()) throw Error(fmt::format("unknown method '{}': choose {}", name, fmt::join(method_names(), ", ")));
  return rows;
}

}  // namespace

std::span<const TrainingMethod> training_methods() {
  return kMethods;
}

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const TrainingMethod& method : kMethods)
    if (std::find(names.begin(), names.end(), method.name) == names.end()) names.emplace_back(method.name);
  return names;
}

std::string method_descriptions() {
  std::string text;
  for (const std::string& name : method_names()) {
    std::string rows;
    for (const TrainingMethod* row : rows_named(name))
      rows += fmt::format("{}{}: {} planes", rows.empty() ? "" : "; ", row->title, planes_text(row->inputs).numbers);
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", name, rows);
  }
  return text;
}

const TrainingMethod& training_method(const std::string& name, int planes) {
  const std::vector<const TrainingMethod*> rows = rows_named(name);
  for (const TrainingMethod* row : rows)
    if (takes(*row, planes)) return *row;
  std::string possible;
  for (const TrainingMethod* row : rows) {
    const PlanesText text = planes_text(row->inputs);
    possible += fmt::format("{}{} ({})", possible.empty() ? "" : ", or ", text.numbers, text.meaning);
  }
  throw Error(fmt::format("{} cannot take {} input planes: --planes must be {}", name, planes, possible));
}

int default_planes(const std::string& name, int shortest_stack, bool has_target) {
  const std::vector<const TrainingMethod*> rows = rows_named(name);
  // The row that uses a target where the data has one, and none where it has not; else the first.
  const auto fits = [&](const TrainingMethod* row) { return row->needs_target == has_target; };
  const auto found = std::find_if(rows.begin(), rows.end(), fits);
  const TrainingMethod& row = found != rows.end() ? **found : *rows.front();
  if (row.inputs == InputPlanes::target_alone || row.blind_spots) return 1;
  const int neighbours = shortest_stack >= 5 ? 4 : 2;
  return row.inputs == InputPlanes::neighbours ? neighbours : neighbours + 1;
}

}  // namespace n2s

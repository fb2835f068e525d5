// See blind_spot_options.h.
#include "tools/blind_spot_options.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <string_view>

#include "kernels/base/error.h"

namespace n2s {
namespace {

struct ReplacementName {
  BlindReplacement replacement;
  std::string_view name;
};
constexpr std::array kReplacements{ReplacementName{BlindReplacement::uniform, "uniform"},
                                   ReplacementName{BlindReplacement::median, "median"},
                                   ReplacementName{BlindReplacement::interpolate, "interpolate"}};

/// The whole text as a number in [1, high]; 0 for anything else.
int number_up_to(int high, std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  return is_number && value >= 1 && value <= high ? value : 0;
}

/// What stands before and behind the separator.
struct Halves {
  std::string_view before, behind;
};
Halves halves(std::string_view text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

void take_mask(const std::string& text, BlindSpots& spots) {
  constexpr int kLargest = 1024;
  const Halves parts = halves(text, ':');
  const int side = number_up_to(kLargest, parts.behind);
  if (side < 2 || (parts.before != "random" && parts.before != "grid"))
    throw Error(fmt::format("--mask {}: random:SIDE or grid:SIDE, a side from 2 to {} pixels, such as random:22", text,
                            kLargest));
  spots.box = side;
  spots.is_grid = parts.before == "grid";
}

void take_line(const std::string& text, BlindSpots& spots) {
  constexpr int kLongest = 255;
  const Halves parts = halves(text, 'x');
  spots.line_width = number_up_to(kLongest, parts.before);
  spots.line_height = number_up_to(kLongest, parts.behind);
  if (spots.line_width % 2 == 0 || spots.line_height % 2 == 0)
    throw Error(fmt::format("--struct {}: WIDTHxHEIGHT, odd numbers of pixels up to {}, such as 11x1", text, kLongest));
}

}  // namespace

std::optional<BlindSpots> chosen_blind_spots(const TrainingOptions& o, const TrainingMethod& method) {
  const bool asked = !o.mask.empty() || !o.replacement.empty() || o.window > 0 || !o.line.empty();
  if (!method.blind_spots) {
    if (asked)
      throw Error(
          fmt::format("--mask, --replace, --window and --struct are for methods that hide pixels, such as "
                      "noise2void; {} hides none",
                      method.name));
    return std::nullopt;
  }
  BlindSpots spots = *method.blind_spots;
  if (!o.mask.empty()) take_mask(o.mask, spots);
  if (o.window > 0 && o.window % 2 == 0) throw Error(fmt::format("--window {}: an odd number is needed", o.window));
  if (o.window > 0) spots.window = o.window;
  if (!o.line.empty()) take_line(o.line, spots);
  for (const ReplacementName& known : kReplacements)
    if (known.name == o.replacement) spots.replacement = known.replacement;
  return spots;
}

std::string mask_text(const BlindSpots& spots) {
  return fmt::format("{}:{}", spots.is_grid ? "grid" : "random", spots.box);
}

std::string replacement_text(const BlindSpots& spots) {
  for (const ReplacementName& known : kReplacements)
    if (known.replacement == spots.replacement) return std::string(known.name);
  return {};
}

std::string line_text(const BlindSpots& spots) {
  return fmt::format("{}x{}", spots.line_width, spots.line_height);
}

}  // namespace n2s

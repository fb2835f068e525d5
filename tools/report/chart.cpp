// See chart.h. The colours are those of Okabe and Ito (2008), which people with any colour vision can tell apart.
#include "tools/report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "tools/pictures/axis_scale.h"
#include "tools/report/html.h"

namespace n2s {
namespace {

constexpr std::array<std::string_view, 8> kSeriesColours{"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                         "#E69F00", "#56B4E9", "#8C564B", "#7F7F7F"};
constexpr double kWidth = 720;
constexpr double kHeight = 400;
constexpr double kLeft = 76, kRight = 16, kTop = 16, kBottom = 52;
constexpr double kLegendRow = 18;

/// Over the finite values of all lists.
struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void see(const std::vector<double>& values) {
    for (const double v : values)
      if (std::isfinite(v)) {
        low = std::min(low, v);
        high = std::max(high, v);
      }
  }
};

AxisScale scale_of(Range range, bool is_logarithmic, double margin) {
  if (!(range.low <= range.high)) range = {0, 1};
  AxisScale scale;
  scale.logarithmic = is_logarithmic && range.low > 0;
  if (scale.logarithmic) range = {std::log10(range.low), std::log10(range.high)};
  const double around = range.high > range.low ? margin * (range.high - range.low) : 0.5;
  scale.low = range.low - around;
  scale.high = range.high + around;
  return scale;
}

/// Neighbouring values that are finite and can be drawn.
std::vector<std::pair<std::size_t, std::size_t>> runs(const ChartSeries& series, bool is_logarithmic) {
  const auto is_drawn = [&](std::size_t i) {
    return std::isfinite(series.x[i]) && std::isfinite(series.y[i]) && (!is_logarithmic || series.y[i] > 0);
  };
  std::vector<std::pair<std::size_t, std::size_t>> found;
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    if (!is_drawn(i)) continue;
    if (found.empty() || found.back().second != i) found.emplace_back(i, i);
    found.back().second = i + 1;
  }
  return found;
}

class Drawing {
 public:
  explicit Drawing(const Chart& chart) : chart_(&chart) {
    Range x;
    Range y;
    for (const ChartSeries& series : chart.series) {
      x.see(series.x);
      y.see(series.y);
      y.see(series.low);
      y.see(series.high);
    }
    x_ = scale_of(x, false, 0.02);
    y_ = scale_of(y, chart.is_logarithmic, 0.06);
    const std::size_t rows = (chart.series.size() + 1) / 2;
    height_ = kHeight + kLegendRow * static_cast<double>(rows);
    x_.from = kLeft;
    x_.to = kWidth - kRight;
    y_.from = kHeight - kBottom;
    y_.to = kTop;
  }

  std::string svg(const std::string& attributes) const {
    std::string text = fmt::format(
        "<svg {}viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\" font-family=\"system-ui,sans-serif\" "
        "font-size=\"13\">\n",
        attributes, kWidth, height_, escaped(chart_->title));
    text += axes();
    for (std::size_t i = 0; i < chart_->series.size(); ++i) text += curve(i);
    return text + "</svg>\n";
  }

 private:
  std::string axes() const {
    std::string text;
    for (const double tick : x_.ticks())
      text +=
          fmt::format("<text x=\"{0:.1f}\" y=\"{1:.1f}\" text-anchor=\"middle\" fill=\"currentColor\">{2:.6g}</text>\n",
                      x_.at(tick), y_.from + 18, tick);
    for (const double tick : y_.ticks())
      text += fmt::format(
          "<line x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"currentColor\" "
          "stroke-opacity=\"0.15\"/><text x=\"{3:.1f}\" y=\"{4:.1f}\" text-anchor=\"end\" "
          "fill=\"currentColor\">{5:.4g}</text>\n",
          x_.from, x_.to, y_.at(tick), x_.from - 8, y_.at(tick) + 4, tick);
    text += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\" fill=\"currentColor\">{}</text>\n",
                        (x_.from + x_.to) / 2, y_.from + 40, escaped(chart_->x_label));
    text += fmt::format(
        "<text transform=\"translate(16 {:.1f}) rotate(-90)\" text-anchor=\"middle\" "
        "fill=\"currentColor\">{}</text>\n",
        (y_.from + y_.to) / 2, escaped(chart_->y_label));
    return text;
  }

  std::string curve(std::size_t number) const {
    const ChartSeries& series = chart_->series[number];
    const auto own = static_cast<std::size_t>(series.colour);
    const std::string_view colour = kSeriesColours.at((series.colour >= 0 ? own : number) % kSeriesColours.size());
    const std::string dash = series.is_dashed ? " stroke-dasharray=\"6 4\"" : "";
    std::string text = "<g>\n";
    for (const auto& [begin, end] : runs(series, y_.logarithmic)) {
      if (!series.low.empty()) text += band(series, begin, end, colour);
      text += fmt::format("<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"2\"{} points=\"", colour, dash);
      for (std::size_t i = begin; i < end; ++i)
        text += fmt::format("{:.1f},{:.1f} ", x_.at(series.x[i]), y_.at(series.y[i]));
      text += "\"/>\n";
      for (std::size_t i = begin; chart_->has_points && i < end; ++i)
        text += fmt::format(
            "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" fill=\"{}\"><title>{}: {:.6g}, {:.5g}</title></circle>\n",
            x_.at(series.x[i]), y_.at(series.y[i]), colour, escaped(series.name), series.x[i], series.y[i]);
    }
    const std::size_t row = number / 2;
    const double x = kLeft + static_cast<double>(number % 2) * (kWidth - kLeft) / 2;
    const double y = kHeight + 6 + kLegendRow * static_cast<double>(row);
    text += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"{3}\" stroke-width=\"3\"{4}/>"
        "<text x=\"{5:.1f}\" y=\"{6:.1f}\" fill=\"currentColor\">{7}</text>\n</g>\n",
        x, x + 24, y, colour, dash, x + 32, y + 4, escaped(series.name));
    return text;
  }

  std::string band(const ChartSeries& series, std::size_t begin, std::size_t end, std::string_view colour) const {
    std::string text = fmt::format("<polygon fill=\"{}\" fill-opacity=\"0.18\" points=\"", colour);
    for (std::size_t i = begin; i < end; ++i)
      text += fmt::format("{:.1f},{:.1f} ", x_.at(series.x[i]), y_.at(series.high[i]));
    for (std::size_t i = end; i-- > begin;)
      text += fmt::format("{:.1f},{:.1f} ", x_.at(series.x[i]), y_.at(series.low[i]));
    return text + "\"/>\n";
  }

  const Chart* chart_;
  AxisScale x_, y_;
  double height_ = 0;
};

std::string number_text(const std::vector<double>& values, std::size_t i) {
  return i < values.size() && std::isfinite(values[i]) ? fmt::format("{:.8g}", values[i]) : "";
}

}  // namespace

std::string chart_svg(const Chart& chart) {
  return Drawing(chart).svg("");
}

std::string chart_svg_file(const Chart& chart) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" +
         Drawing(chart).svg("xmlns=\"http://www.w3.org/2000/svg\" color=\"black\" ");
}

std::string chart_csv(const Chart& chart) {
  std::string text = "series,x,y,low,high\n";
  for (const ChartSeries& series : chart.series)
    for (std::size_t i = 0; i < series.x.size(); ++i)
      text += fmt::format("\"{}\",{},{},{},{}\n", series.name, number_text(series.x, i), number_text(series.y, i),
                          number_text(series.low, i), number_text(series.high, i));
  return text;
}

}  // namespace n2s

// Draws diagrams and panels on a canvas.
#include "tools/pictures/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>

#include "tools/pictures/axis_scale.h"
#include "tools/pictures/canvas.h"

namespace n2s {
namespace {

constexpr Colour kWhite{255, 255, 255};
constexpr Colour kBlack{20, 20, 20};
constexpr Colour kGrid{222, 226, 230};
constexpr Colour kText{60, 60, 60};
constexpr std::array<Colour, 4> kColours{{{31, 119, 180}, {214, 39, 40}, {44, 160, 44}, {148, 103, 189}}};

/// Limits the y axis: the losses of the first steps are so large that all others would lie on the bottom line.
double quantile(const std::vector<Curve>& curves, std::vector<double> Curve::*values, double share) {
  std::vector<double> all;
  for (const Curve& curve : curves)
    std::copy_if((curve.*values).begin(), (curve.*values).end(), std::back_inserter(all),
                 [](double v) { return std::isfinite(v); });
  if (all.empty()) return 1;
  const auto at = all.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(all.size() - 1));
  std::nth_element(all.begin(), at, all.end());
  return *at;
}

AxisScale make_scale(const std::vector<Curve>& curves, std::vector<double> Curve::*values, bool may_be_logarithmic) {
  AxisScale scale{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const Curve& curve : curves)
    for (const double v : curve.*values)
      if (std::isfinite(v)) scale.low = std::min(scale.low, v), scale.high = std::max(scale.high, v);
  if (!(scale.low <= scale.high)) scale.low = 0, scale.high = 1;
  if (may_be_logarithmic) scale.high = std::min(scale.high, 1.5 * quantile(curves, values, 0.98));
  scale.logarithmic = may_be_logarithmic && scale.low > 0;
  if (scale.logarithmic) scale.low = std::log10(scale.low), scale.high = std::log10(scale.high);
  const double margin = scale.high > scale.low ? 0.05 * (scale.high - scale.low) : 0.5;
  if (may_be_logarithmic) scale.low -= margin;
  scale.high += margin;
  return scale;
}

void draw_legend(Canvas& canvas, const std::vector<Curve>& curves, int right, int top) {
  int widest = 0;
  for (const Curve& curve : curves) widest = std::max(widest, text_width(curve.name));
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const int y = top + 12 + static_cast<int>(i) * 22;
    canvas.rectangle(right - widest - 52, y + 5, 26, 4, kColours[i % kColours.size()]);
    canvas.text(right - widest - 18, y, curves[i].name, kText);
  }
}

}  // namespace

Canvas draw_diagram(const Diagram& diagram) {
  const auto& [x_label, y_label, curves, logarithmic] = diagram;
  constexpr int kWidth = 960, kHeight = 560, kLeft = 110, kTop = 50, kRight = 930, kBottom = 490;
  Canvas canvas(kWidth, kHeight, kWhite);
  AxisScale x = make_scale(curves, &Curve::x, false);
  AxisScale y = make_scale(curves, &Curve::y, logarithmic);
  x.from = kLeft, x.to = kRight;
  y.from = kBottom, y.to = kTop;
  for (const double tick : x.ticks()) {
    const std::string label = fmt::format("{:g}", tick);
    canvas.line(x.at(tick), kTop, x.at(tick), kBottom, kGrid);
    canvas.text(static_cast<int>(x.at(tick)) - text_width(label) / 2, kBottom + 10, label, kText);
  }
  for (const double tick : y.ticks()) {
    const std::string label = fmt::format("{:.3g}", tick);
    canvas.line(kLeft, y.at(tick), kRight, y.at(tick), kGrid);
    canvas.text(kLeft - 12 - text_width(label), static_cast<int>(y.at(tick)) - 7, label, kText);
  }
  canvas.line(kLeft, kBottom, kRight, kBottom, kBlack, 2);
  canvas.line(kLeft, kTop, kLeft, kBottom, kBlack, 2);
  canvas.text((kLeft + kRight) / 2 - text_width(x_label) / 2, kBottom + 36, x_label, kText);
  canvas.text(kLeft, 18, y_label, kText);
  for (std::size_t c = 0; c < curves.size(); ++c) {
    const Curve& curve = curves[c];
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      const double px = x.at(curve.x[i]);
      const double py = std::max<double>(kTop, y.at(curve.y[i]));
      if (curve.x.size() < 40)
        canvas.rectangle(static_cast<int>(px) - 3, static_cast<int>(py) - 3, 7, 7, kColours[c % 4]);
      if (i > 0)
        canvas.line(x.at(curve.x[i - 1]), std::max<double>(kTop, y.at(curve.y[i - 1])), px, py, kColours[c % 4], 2);
    }
  }
  draw_legend(canvas, curves, kRight, kTop);
  return canvas;
}

Canvas draw_panel(const std::vector<PanelImage>& images, double black, double white) {
  constexpr int kGap = 8, kCaption = 30, kReadable = 320;  // pixels
  int width = kGap;
  int height = 0;
  std::vector<int> zoom;
  for (const PanelImage& image : images) {
    zoom.push_back(std::max(1, (kReadable + image.width - 1) / std::max(1, image.width)));
    width += image.width * zoom.back() + kGap;
    height = std::max(height, image.height * zoom.back());
  }
  Canvas canvas(width, height + kCaption + kGap, kBlack);
  int left = kGap;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const PanelImage& image = images[i];
    canvas.text(left + 4, 9, image.caption, kWhite);
    for (int y = 0; y < image.height; ++y)
      for (int x = 0; x < image.width; ++x) {
        const double value = image.values[static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) +
                                          static_cast<std::size_t>(x)];
        const auto gray =
            static_cast<std::uint8_t>(std::lround(std::clamp((value - black) / (white - black), 0.0, 1.0) * 255));
        canvas.rectangle(left + x * zoom[i], kCaption + y * zoom[i], zoom[i], zoom[i], {gray, gray, gray});
      }
    left += image.width * zoom[i] + kGap;
  }
  return canvas;
}

}  // namespace n2s

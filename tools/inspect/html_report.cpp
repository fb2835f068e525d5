// One page that needs nothing else: its pictures are in it, as data URIs.
#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "data/atomic_file.h"
#include "data/normalisation.h"
#include "tools/inspect/reports.h"
#include "tools/pictures/plots.h"
#include "tools/report/html.h"

namespace n2s {
namespace {

constexpr const char* kInspectStyle = R"(
  body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 1040px; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin-top: 2.5rem; overflow-wrap: anywhere; }
  .trust { padding: .6rem 1rem; border-left: 6px solid; background: #f6f8fa; }
  .yes { border-color: #2ca02c; } .care { border-color: #e6a700; } .no { border-color: #d62728; }
  pre { background: #f6f8fa; padding: .8rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; }
  table { border-collapse: collapse; width: 100%; } td { padding: .3rem .6rem; border-top: 1px solid #e1e4e8; vertical-align: top; }
  td:first-child { color: #57606a; white-space: nowrap; }
  .pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 1rem; }
  figure { margin: 0; } figure.wide { grid-column: 1 / -1; } img { width: 100%; } figcaption { color: #57606a; font-size: .9rem; }
)";

std::string figure(const Canvas& picture, const std::string& caption, bool is_wide = false) {
  return fmt::format("<figure{}><img alt=\"{}\" src=\"{}\"><figcaption>{}</figcaption></figure>\n",
                     is_wide ? " class=\"wide\"" : "", escaped(caption), png_uri(picture.png()), escaped(caption));
}

/// A plane of at most 512 pixels on its longer side, as means of squares of pixels.
struct SmallPlane {
  std::vector<float> values;
  int height = 0, width = 0;
};

SmallPlane small(std::span<const float> plane, int height, int width) {
  constexpr int kSide = 512;
  const int step = (std::max(height, width) + kSide - 1) / kSide;
  SmallPlane result{{}, height / step, width / step};
  for (int y = 0; y < result.height; ++y)
    for (int x = 0; x < result.width; ++x) {
      float sum = 0;
      for (int i = 0; i < step; ++i)
        for (int j = 0; j < step; ++j)
          sum += plane[static_cast<std::size_t>(y * step + i) * static_cast<std::size_t>(width) +
                       static_cast<std::size_t>(x * step + j)];
      result.values.push_back(sum / static_cast<float>(step * step));
    }
  return result;
}

Canvas planes_picture(const Inspection& found) {
  const SmallPlane middle = small(found.middle_plane, found.window_height, found.window_width);
  const SmallPlane mean = small(found.survey.mean_plane, found.shape.height, found.shape.width);
  std::vector<float> values = middle.values;
  const double black = percentile(values, 0.5);
  const double white = std::max(percentile(values, 99.8), black + 1e-6);
  const std::size_t middle_number = found.sampled.size() / 2;
  return draw_panel(
      {{fmt::format("plane {}", found.sampled[middle_number]), middle.values, middle.height, middle.width},
       {"mean of all planes", mean.values, mean.height, mean.width}},
      black, white);
}

Canvas brightness_picture(const Inspection& found) {
  Curve mean{"mean", {}, {}};
  for (std::size_t i = 0; i < found.survey.planes.size(); ++i) {
    if (found.survey.planes[i].finite == 0) continue;
    mean.x.push_back(static_cast<double>(i));
    mean.y.push_back(found.survey.planes[i].mean);
  }
  return draw_diagram({"plane", "value", {mean}, false});
}

Canvas noise_picture(const NoiseLevel& noise) {
  Curve measured{"measured", {}, {}};
  Curve line{"gain * value + offset", {}, {}};
  for (const NoiseLevel::Point& point : noise.points) {
    measured.x.push_back(point.value);
    measured.y.push_back(point.variance);
    line.x.push_back(point.value);
    line.y.push_back(noise.gain * point.value + noise.offset);
  }
  return draw_diagram({"value", "variance of the noise", {measured, line}, false});
}

Canvas similarity_picture(const Similarity& similarity) {
  Curve ssim{"SSIM", {}, {}}, noisy{"correlation", {}, {}}, clean{"correlation without noise", {}, {}};
  for (const Similarity::AtDistance& at : similarity.distances) {
    for (Curve* curve : {&ssim, &noisy, &clean}) curve->x.push_back(at.planes);
    ssim.y.push_back(at.ssim);
    noisy.y.push_back(at.correlation);
    clean.y.push_back(at.without_noise);
  }
  return draw_diagram({"distance, planes", "similarity", {ssim, noisy, clean}, false});
}

Canvas correlation_picture(const NoiseCorrelation& c) {
  Curve rows{"along rows, pixels", {}, {}}, columns{"along columns, pixels", {}, {}}, planes{"planes", {}, {}};
  for (std::size_t lag = 1; lag < NoiseCorrelation::kLags; ++lag) {
    rows.x.push_back(static_cast<double>(lag));
    columns.x.push_back(static_cast<double>(lag));
    rows.y.push_back(c.along_x.at(lag));
    columns.y.push_back(c.along_y.at(lag));
  }
  for (std::size_t i = 0; i < c.between_planes.size(); ++i) {
    planes.x.push_back(static_cast<double>(i + 1));
    planes.y.push_back(c.between_planes[i]);
  }
  return draw_diagram({"distance", "correlation of the noise", {rows, columns, planes}, false});
}

std::string section(const InspectedFile& file, const InspectedStack& stack) {
  const Inspection& found = stack.found;
  const Advice& advice = stack.advice;
  const char* colour = advice.trust == Trust::yes ? "yes" : advice.trust == Trust::with_care ? "care" : "no";
  std::string html =
      fmt::format("<h2>{}</h2>\n<p class=\"trust {}\">Can self-supervision be trusted here: <b>{}</b></p>\n",
                  escaped(stack.name), colour, describe(advice.trust));
  html += "<ul>\n";
  for (const std::string& warning : advice.warnings) html += fmt::format("<li><b>{}</b></li>\n", escaped(warning));
  for (const std::string& reason : advice.reasons) html += fmt::format("<li>{}</li>\n", escaped(reason));
  html += fmt::format("</ul>\n<pre>{}</pre>\n<table>\n", escaped(command_of(file, stack)));
  for (const ReportRow& row : report_rows(stack))
    html += fmt::format("<tr><td>{}</td><td>{}</td></tr>\n", escaped(row.label), escaped(row.text));
  html += "</table>\n<div class=\"pictures\">\n";
  html +=
      figure(planes_picture(found),
             "A plane, and the mean of all: what stays there is what planes share, a fixed pattern included.", true);
  html += figure(brightness_picture(found), "Brightness of the planes.");
  if (!found.noise.points.empty())
    html +=
        figure(noise_picture(found.noise), "Noise: flat for Gaussian noise, rising with the signal for photon noise.");
  if (!found.similarity.distances.empty())
    html += figure(similarity_picture(found.similarity), "How alike planes are, by their distance.");
  if (found.correlation.blocks > 0)
    html += figure(correlation_picture(found.correlation),
                   "Correlation of the noise: between planes it has to be near 0 at the planes that are used.");
  return html + "</div>\n";
}

}  // namespace

void write_html_report(const std::filesystem::path& path, const InspectedFile& file, bool overwrite) {
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta "
      "charset=\"utf-8\">\n<title>{0}</title>\n<style>{1}</style>\n</head>\n"
      "<body>\n<h1>{0}</h1>\n<p>{2}, {3}; axes: {4}. {5}.{6}</p>\n",
      escaped(file.path), kInspectStyle, escaped(file.axes), escaped(file.type), escaped(file.axes_from),
      escaped(file.chosen), file.spacing.empty() ? "" : escaped(" Spacing: " + file.spacing + "."));
  if (file.stacks > file.inspected.size())
    html += fmt::format("<p>Inspected: {} of {} stacks, the middle one of each channel.</p>\n", file.inspected.size(),
                        file.stacks);
  for (const InspectedStack& stack : file.inspected) html += section(file, stack);
  html += "</body>\n</html>\n";
  write_file_atomically(path, std::as_bytes(std::span(html)), overwrite);
}

}  // namespace n2s

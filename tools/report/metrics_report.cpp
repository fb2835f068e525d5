// See metrics_report.h.
#include "tools/report/metrics_report.h"

#include <fmt/format.h>

#include <cmath>
#include <span>

#include "data/atomic_file.h"
#include "tools/report/chart.h"
#include "tools/report/html.h"
#include "tools/report/page.h"

namespace n2s {
namespace {

/// PSNR is infinite where images are identical; what cannot be computed is a dash.
std::string cell(const Summary& summary, int digits) {
  if (std::isnan(summary.mean)) return "–";
  if (std::isinf(summary.mean)) return "∞";
  return fmt::format("{:.{}f} ± {:.{}f}", summary.mean, digits, summary.ci95, digits);
}

template <class Value>
std::string curve(const std::vector<NamedMetrics>& measured, const char* title, const char* label, int first, int step,
                  Value&& value_of) {
  Chart chart{title, "plane, counted from 0", label, {}, true, false};
  for (const NamedMetrics& one : measured) {
    ChartSeries series;
    series.name = one.name;
    for (std::size_t i = 0; i < one.metrics.per_plane.size(); ++i) {
      const double value = value_of(one.metrics.per_plane[i]);
      if (!std::isfinite(value)) continue;
      series.x.push_back(first + static_cast<double>(i) * step);
      series.y.push_back(value);
    }
    if (series.x.size() > 30) chart.has_points = false;
    if (!series.x.empty()) chart.series.push_back(std::move(series));
  }
  if (chart.series.empty()) return {};
  return chart_figure(chart, fmt::format("{} of each plane.", title));
}

}  // namespace

std::string metrics_table(const std::vector<NamedMetrics>& measured) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(measured.size());
  for (const NamedMetrics& one : measured)
    rows.push_back({escaped(one.name), cell(one.metrics.psnr, 2), cell(one.metrics.ssim, 3), cell(one.metrics.nrmse, 3),
                    fmt::format("{}", one.metrics.per_plane.size())});
  return table_html({"", "PSNR, dB", "SSIM", "NRMSE", "planes"}, rows) +
         "<p class=\"soft\">Means over planes; ± is the 95 % confidence interval of the mean.</p>\n";
}

std::string metrics_curves(const std::vector<NamedMetrics>& measured, int first, int step) {
  return curve(measured, "PSNR", "PSNR, dB", first, step, [](const PlaneMetrics& plane) { return plane.psnr; }) +
         curve(measured, "SSIM", "SSIM", first, step, [](const PlaneMetrics& plane) { return plane.ssim; });
}

void write_evaluation_report(const std::filesystem::path& file, const EvaluationReport& report, bool overwrite) {
  const std::vector<NamedMetrics> measured{{report.result, report.metrics}};
  std::string body = fmt::format("<p>Truth: {}.</p>\n", escaped(report.truth)) + metrics_table(measured);
  body += "<h2>Planes</h2>\n" + compared_viewer(report.planes, "Result and truth", 0, 1, 1);
  body += metrics_curves(measured, 0, 1);
  if (const std::string details = compared_details(report.planes); !details.empty())
    body +=
        "<h2>Details and frequencies</h2>\n<p>The middle plane: a part of it enlarged, and the logarithm of its "
        "frequencies' magnitudes, the lowest in the middle.</p>\n" +
        details;
  body += fmt::format("<h2>How it was made</h2>\n<p>n2s {}; {}.</p>\n", N2S_VERSION, escaped(report.how));
  const std::string html = page_html(report.result + ", measured", body);
  write_file_atomically(file, std::as_bytes(std::span(html)), overwrite);
}

}  // namespace n2s

// See experiment_report.h.
#include "tools/experiments/experiment_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>

#include "analysis/segmentation.h"
#include "data/atomic_file.h"
#include "kernels/base/error.h"
#include "tools/experiments/experiment_charts.h"
#include "tools/experiments/result_table.h"
#include "tools/report/compared_planes.h"
#include "tools/report/example_planes.h"
#include "tools/report/html.h"
#include "tools/report/page.h"
#include "tools/report/plane_pictures.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

/// A system whose pictures can be shown: some planes of its first test stack, as run_system() has written them.
struct Shown {
  const System* system = nullptr;
  std::string name;
  Stack planes;
  std::optional<Stack> masks;
};

std::vector<Shown> shown_systems(const ExperimentReport& report) {
  std::vector<Shown> shown;
  for (const System& system : systems(report.experiment)) {
    if (system.copy == "brightfield") continue;
    if (std::optional<Stack> planes = read_example(report.folder_of(system) / "example.tif"))
      shown.push_back({&system, std::string(system.title), std::move(*planes),
                       read_example(report.folder_of(system) / "example-masks.tif")});
    if (std::optional<Stack> post = read_example(report.folder_of(system) / "example-post.tif"))
      shown.push_back({&system, fmt::format("{}, data consistency", system.title), std::move(*post), std::nullopt});
  }
  if (std::optional<Stack> truth = read_example(report.folder / "truth.tif"); truth && report.experiment == "mri")
    shown.push_back({nullptr, "truth", std::move(*truth), std::nullopt});
  return shown;
}

/// Of the first test stack's `shown` planes. Without a truth nobody has counted its planes.
std::vector<std::string> names_of_planes(const ExperimentReport& report, int shown) {
  for (const SystemResult& result : report.results) {
    if (result.stacks.empty()) continue;
    std::vector<std::string> names = example_names(static_cast<int>(result.stacks.front().planes.size()));
    if (names.size() == static_cast<std::size_t>(shown)) return names;
  }
  std::vector<std::string> names;
  for (int i = 1; i <= shown; ++i) names.push_back(fmt::format("plane {} of {} that are shown", i, shown));
  return names;
}

/// MRI data have one scale; elsewhere each picture has its own, as each network's result is mapped to the truth.
ComparedPlanes compared_planes(const ExperimentReport& report, const std::vector<Shown>& shown) {
  ComparedPlanes compared{{}, names_of_planes(report, shown.front().planes.planes), report.experiment == "mri"};
  for (const Shown& one : shown) compared.states.push_back({one.name, one.planes});
  return compared;
}

std::string viewer_section(const ComparedPlanes& compared, const std::vector<Shown>& shown) {
  std::size_t left = 0;
  std::size_t right = 0;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (shown[i].system == nullptr) continue;
    if (shown[i].system->name == "noisy") left = i;
    if (shown[i].system->work == Work::network) right = i;
  }
  return "<h2>Before and after</h2>\n<p>Drag the divider, or use the sliders and lists below; the arrow keys work, "
         "too.</p>\n" +
         compared_viewer(compared, "Planes of the first test stack", left, right, 1);
}

/// Figure 3.
std::string details_section(const ComparedPlanes& compared) {
  const std::string details = compared_details(compared);
  if (details.empty()) return {};
  return "<h2>Details and frequencies</h2>\n<p>The middle plane: a part of it enlarged, and the logarithm of its "
         "frequencies' magnitudes, the lowest in the middle (figure 3 of the paper).</p>\n" +
         details;
}

/// Figure 6: what a network that segments makes of the planes.
std::string overlays_section(const std::vector<Shown>& shown) {
  const auto truth = std::find_if(shown.begin(), shown.end(), [](const Shown& one) {
    return one.system != nullptr && one.system->name == "truth" && one.masks;
  });
  if (truth == shown.end()) return {};
  std::string html =
      "<h2>Segmented by a network</h2>\n<p>Outlines of the network's objects in orange, of the truth's Otsu masks in "
      "blue, white where both agree: the first, the middle and the last plane (figure 6 of the paper).</p>\n";
  const Stack truth_masks = otsu_masks(truth->planes);
  std::vector<CaptionedPicture> pictures;
  for (const Shown& one : shown) {
    if (!one.masks) continue;
    for (const auto& [plane, place] :
         {std::pair{0, "first"}, {one.planes.planes / 2, "middle"}, {one.planes.planes - 1, "last"}}) {
      const PlanePicture part = shown_picture(one.planes, plane);
      pictures.push_back({outlined_uri(part, grey_window(part.values), shown_picture(*one.masks, plane),
                                       shown_picture(truth_masks, plane)),
                          fmt::format("{}, {} plane", one.name, place)});
    }
  }
  return html + picture_row(pictures);
}

std::string brightfield_section(const ExperimentReport& report) {
  const System* found = nullptr;
  for (const System& system : systems(report.experiment))
    if (system.copy == "brightfield") found = &system;
  if (found == nullptr) return {};
  const std::optional<Stack> restored = read_example(report.folder_of(*found) / "example.tif");
  const std::optional<Stack> input = read_example(report.folder_of(*found) / "example-input.tif");
  if (!restored || !input) return {};
  const ComparedPlanes compared{{{"bright field", *input}, {std::string(found->title), *restored}},
                                names_of_planes(report, input->planes),
                                false};
  return "<h2>Bright field</h2>\n<p>There is no truth to measure with.</p>\n" +
         compared_viewer(compared, "Bright field, before and after", 0, 1, 2);
}

std::string cell(const std::optional<Figures>& figures, double Figures::*figure, int digits) {
  return figures ? fmt::format("{:.{}f}", *figures.*figure, digits) : "";
}

std::string table_section(const ExperimentReport& report, const std::vector<TableRow>& rows) {
  const bool has_post = std::any_of(rows.begin(), rows.end(), [](const TableRow& row) { return row.post.has_value(); });
  std::vector<std::string> heading{"system", "PSNR, dB", "SSIM", "NRMSE"};
  if (has_post)
    for (const char* name : {"PSNR, dB, with data consistency", "SSIM", "NRMSE"}) heading.emplace_back(name);
  for (const char* name : {"seeds", "training, s", "restoring, s", "the paper's PSNR, dB, on <em>other data</em>"})
    heading.emplace_back(name);
  std::vector<std::vector<std::string>> lines;
  for (const TableRow& row : rows) {
    std::vector<std::string> line{escaped(std::string(row.system->title))};
    const std::string of_seeds = row.seeds > 1 ? fmt::format(" ± {:.2f}", row.psnr_of_seeds) : "";
    line.push_back(cell(row.mean, &Figures::psnr, 2) + of_seeds);
    line.push_back(cell(row.mean, &Figures::ssim, 3));
    line.push_back(cell(row.mean, &Figures::nrmse, 3));
    if (has_post) {
      line.push_back(cell(row.post, &Figures::psnr, 2));
      line.push_back(cell(row.post, &Figures::ssim, 3));
      line.push_back(cell(row.post, &Figures::nrmse, 3));
    }
    line.push_back(fmt::format("{}", row.seeds));
    line.push_back(fmt::format("{:.0f}", row.train_seconds));
    line.push_back(fmt::format("{:.1f}", row.restore_seconds));
    std::string paper = cell(row.system->paper, &Figures::psnr, 1);
    if (row.system->paper_post) paper += " / " + cell(row.system->paper_post, &Figures::psnr, 1);
    line.push_back(paper);
    lines.push_back(std::move(line));
  }
  std::string html = "<h2>Table 1</h2>\n" + table_html(heading, lines);
  html += fmt::format(
      "<p class=\"soft\">Means over the {} test planes; ± is the standard deviation of the seeds' means. The paper's "
      "figures are of its "
      "own data: compare systems within a column, not columns.</p>\n",
      rows.empty() ? 0 : rows.front().planes);
  const std::vector<ObjectsRow> objects = objects_of(report.experiment, report.results);
  if (objects.empty()) return html;
  lines.clear();
  for (const ObjectsRow& row : objects)
    lines.push_back(
        {escaped(std::string(row.system->title)), fmt::format("{:.3f}", row.dice), fmt::format("{:.1f}", row.objects)});
  return html + "<h2>Downstream check</h2>\n" +
         table_html({"segmented by a network", "Dice with the truth's masks", "objects in a plane"}, lines);
}

std::string how_section(const ExperimentReport& report, const std::vector<TableRow>& rows) {
  std::string how;
  long steps = 0;
  for (const SystemResult& result : report.results) {
    if (!result.how.empty()) how = result.how;
    steps = std::max(steps, result.steps);
  }
  std::string html = "<h2>How each number was made</h2>\n<ul>\n";
  html += fmt::format("<li>Program: n2s {}. Data set: {}. Scale: {} ({} steps at the most).</li>\n", N2S_VERSION,
                      escaped(report.data), escaped(report.scale), steps);
  html += fmt::format("<li>Figures: {}.</li>\n", escaped(how));
  if (report.experiment == "mri")
    html +=
        "<li>Noise: 10 % of the frequencies are kept, drawn anew for every training image; the test stacks' noise is "
        "fixed, "
        "the same for all systems. Data consistency: the measured frequencies replace those of the result.</li>\n";
  else
    html +=
        "<li>Input: short exposures; truth: long ones of the same fields, whose own noise limits every figure. The "
        "median of "
        "each pixel over all images of a modality is subtracted.</li>\n";
  for (const TableRow& row : rows)
    if (row.system->work == Work::network)
      html += fmt::format("<li>{}: --method {} --planes {}; seeds 1 to {}.</li>\n",
                          escaped(std::string(row.system->title)), row.system->method, row.system->planes, row.seeds);
  for (const SystemResult& result : report.results)
    if (!result.error.empty())
      html += fmt::format("<li><b>{}, seed {}, failed: {}</b></li>\n", escaped(result.system), result.seed,
                          escaped(result.error));
  return html + "</ul>\n";
}

}  // namespace

void write_experiment_report(const ExperimentReport& report) {
  const std::vector<TableRow> rows = table_of(report.experiment, report.results);
  const std::string title =
      fmt::format("{} experiment of Noise2Stack", report.experiment == "mri" ? "The MRI" : "The microscopy");
  std::string body = fmt::format("<p>{}, trained at scale {}.</p>\n", escaped(report.data), escaped(report.scale));
  body += table_section(report, rows);
  const std::vector<Shown> shown = shown_systems(report);
  std::optional<ComparedPlanes> compared;
  if (!shown.empty()) compared = compared_planes(report, shown);
  if (compared) body += viewer_section(*compared, shown);
  fs::create_directories(report.folder / "figures");
  body += "<h2>Figures</h2>\n";
  for (const NamedChart& chart : experiment_charts(report)) {
    body += chart_figure(chart.chart, chart.caption);
    for (const auto& [extension, text] :
         {std::pair{".svg", chart_svg_file(chart.chart)}, {".csv", chart_csv(chart.chart)}})
      write_file_atomically(report.folder / "figures" / (chart.name + extension), std::as_bytes(std::span(text)));
  }
  if (compared) body += details_section(*compared) + overlays_section(shown);
  body += brightfield_section(report);
  body += how_section(report, rows);
  const std::string html = page_html(title, body);
  write_file_atomically(report.page.empty() ? report.folder / "report.html" : report.page,
                        std::as_bytes(std::span(html)));
}

void write_experiments_report(const std::vector<ExperimentReport>& reports, const fs::path& page) {
  std::vector<std::string> heading{"PSNR, dB / SSIM"};
  std::string body = "<p>Experiments side by side. ";
  body += reports.front().experiment == "mri" ? "In brackets: with data consistency.</p>\n" : "</p>\n";
  std::string how = "<h2>How each number was made</h2>\n<ul>\n";
  std::vector<std::vector<TableRow>> tables;
  for (const ExperimentReport& report : reports) {
    if (report.experiment != reports.front().experiment)
      throw Error(fmt::format("{}: of another kind of experiment than {}; only those of one kind can be compared",
                              report.folder.string(), reports.front().folder.string()));
    heading.push_back(escaped(report.folder.string()));
    tables.push_back(table_of(report.experiment, report.results));
    how += fmt::format("<li>{}: data set {}, scale {}.</li>\n", heading.back(), escaped(report.data),
                       escaped(report.scale));
  }
  std::vector<std::vector<std::string>> lines;
  for (const System& system : systems(reports.front().experiment)) {
    std::vector<std::string> line{escaped(std::string(system.title))};
    bool is_known = false;
    for (const std::vector<TableRow>& table : tables) {
      const auto row =
          std::find_if(table.begin(), table.end(), [&](const TableRow& one) { return one.system == &system; });
      line.emplace_back();
      if (row == table.end()) continue;
      is_known = true;
      line.back() = fmt::format("{:.2f} / {:.3f}", row->mean.psnr, row->mean.ssim);
      if (row->post) line.back() += fmt::format(" ({:.2f} / {:.3f})", row->post->psnr, row->post->ssim);
    }
    if (is_known) lines.push_back(std::move(line));
  }
  const std::string html = page_html(
      fmt::format("{} experiments of Noise2Stack", reports.front().experiment == "mri" ? "MRI" : "Microscopy"),
      body + table_html(heading, lines) + how + "</ul>\n");
  write_file_atomically(page, std::as_bytes(std::span(html)));
}

}  // namespace n2s

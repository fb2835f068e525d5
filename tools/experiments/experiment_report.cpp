// See experiment_report.h.
#include "tools/experiments/experiment_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>

#include "analysis/segmentation.h"
#include "data/atomic_file.h"
#include "data/image.h"
#include "tools/experiments/experiment_charts.h"
#include "tools/experiments/result_table.h"
#include "tools/report/html.h"
#include "tools/report/page.h"
#include "tools/report/plane_pictures.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

constexpr int kShownSide = 256;  // pixels of a plane that are shown: more would make a page of many megabytes

/// Some planes of a system's first test stack, as run_system() has written them.
std::optional<Stack> load_example(const fs::path& file) {
  if (!fs::exists(file)) return std::nullopt;
  const Image image = read_image(file);
  return take_stack(image, select_stack(image));
}

/// A system whose pictures can be shown.
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
    if (std::optional<Stack> planes = load_example(report.folder_of(system) / "example.tif"))
      shown.push_back({&system, std::string(system.title), std::move(*planes),
                       load_example(report.folder_of(system) / "example-masks.tif")});
    if (std::optional<Stack> post = load_example(report.folder_of(system) / "example-post.tif"))
      shown.push_back({&system, fmt::format("{}, data consistency", system.title), std::move(*post), std::nullopt});
  }
  if (std::optional<Stack> truth = load_example(report.folder / "truth.tif"); truth && report.experiment == "mri")
    shown.push_back({nullptr, "truth", std::move(*truth), std::nullopt});
  return shown;
}

/// "plane 25 of 100"
std::vector<std::string> names_of_planes(const ExperimentReport& report, int shown) {
  std::size_t planes = 0;
  for (const SystemResult& result : report.results)
    for (const SystemResult::OfStack& stack : result.stacks) planes = std::max(planes, stack.planes.size());
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(shown));
  for (int i = 0; i < shown; ++i)
    names.push_back(
        fmt::format("plane {} of {}", i * static_cast<int>(planes - 1) / std::max(1, shown - 1) + 1, planes));
  return names;
}

PlanePicture part_of(const Stack& planes, int plane) {
  return middle_part(plane_of(planes, plane), planes.height, planes.width, kShownSide);
}

/// MRI data have one scale; elsewhere each picture has its own, as each network's result is mapped to the truth.
GreyWindow window_for(const ExperimentReport& report, const std::vector<Shown>& shown, const Stack& planes, int plane) {
  const Stack& from = report.experiment == "mri" ? shown.back().planes : planes;
  return grey_window(plane_of(from, plane));
}

std::string viewer_section(const ExperimentReport& report, const std::vector<Shown>& shown) {
  Viewer viewer;
  viewer.name = "Planes of the first test stack";
  viewer.planes = names_of_planes(report, shown.front().planes.planes);
  for (const Shown& one : shown) {
    viewer.choices.push_back(one.name);
    viewer.uris.emplace_back();
    for (int plane = 0; plane < one.planes.planes; ++plane)
      viewer.uris.back().push_back(grey_uri(part_of(one.planes, plane), window_for(report, shown, one.planes, plane)));
    if (one.system == nullptr) continue;
    if (one.system->name == "noisy") viewer.left = viewer.choices.size() - 1;
    if (one.system->work == Work::network) viewer.right = viewer.choices.size() - 1;
  }
  return "<h2>Before and after</h2>\n<p>Drag the divider, or use the sliders and lists below; the arrow keys work, "
         "too.</p>\n" +
         viewer_html(viewer, 1);
}

/// Figure 3: the middle plane, a part of it enlarged, and its frequencies.
std::string spectra_section(const ExperimentReport& report, const std::vector<Shown>& shown) {
  constexpr int kBox = 48;  // pixels
  constexpr int kTimes = 4;
  const int plane = shown.front().planes.planes / 2;
  const PlanePicture last = part_of(shown.back().planes, plane);
  if (std::min(last.height, last.width) < kBox) return {};
  const Place place = most_structure(last, kBox);
  const PlanePicture spectrum_of_last = log_spectrum(last);
  const GreyWindow frequencies = grey_window(spectrum_of_last.values);
  std::string html =
      "<h2>Details and frequencies</h2>\n<p>The middle plane: a part of it enlarged, and the logarithm of its "
      "frequencies' magnitudes, the lowest in the middle (figure 3 of the paper).</p>\n";
  std::vector<CaptionedPicture> pictures;
  for (const Shown& one : shown) {
    const PlanePicture part = part_of(one.planes, plane);
    const GreyWindow window = window_for(report, shown, one.planes, plane);
    pictures.push_back({grey_uri(enlarged(part, place.top, place.left, kBox, kTimes), window), one.name});
    PlanePicture spectrum = log_spectrum(part);
    if (report.experiment == "mri")
      pictures.push_back({grey_uri(spectrum, frequencies), one.name + ": frequencies"});
    else  // results have scales of their own
      pictures.push_back({grey_uri(spectrum, grey_window(spectrum.values)), one.name + ": frequencies"});
  }
  return html + picture_row(pictures);
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
      const PlanePicture part = part_of(one.planes, plane);
      pictures.push_back(
          {outlined_uri(part, grey_window(part.values), part_of(*one.masks, plane), part_of(truth_masks, plane)),
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
  const std::optional<Stack> restored = load_example(report.folder_of(*found) / "example.tif");
  const std::optional<Stack> input = load_example(report.folder_of(*found) / "example-input.tif");
  if (!restored || !input) return {};
  Viewer viewer;
  viewer.name = "Bright field, before and after";
  viewer.planes = names_of_planes(report, input->planes);
  viewer.choices = {"bright field", std::string(found->title)};
  for (const Stack* planes : {&*input, &*restored}) {
    viewer.uris.emplace_back();
    for (int plane = 0; plane < planes->planes; ++plane) {
      const PlanePicture part = part_of(*planes, plane);
      viewer.uris.back().push_back(grey_uri(part, grey_window(part.values)));
    }
  }
  viewer.right = 1;
  return "<h2>Bright field</h2>\n<p>There is no truth to measure with.</p>\n" + viewer_html(viewer, 2);
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
  if (!shown.empty()) body += viewer_section(report, shown);
  fs::create_directories(report.folder / "figures");
  body += "<h2>Figures</h2>\n";
  for (const NamedChart& chart : experiment_charts(report)) {
    body += chart_figure(chart.chart, chart.caption);
    for (const auto& [extension, text] :
         {std::pair{".svg", chart_svg_file(chart.chart)}, {".csv", chart_csv(chart.chart)}})
      write_file_atomically(report.folder / "figures" / (chart.name + extension), std::as_bytes(std::span(text)));
  }
  if (!shown.empty()) body += spectra_section(report, shown) + overlays_section(shown);
  body += brightfield_section(report);
  body += how_section(report, rows);
  const std::string html = page_html(title, body);
  write_file_atomically(report.folder / "report.html", std::as_bytes(std::span(html)));
}

}  // namespace n2s

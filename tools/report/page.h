// Pages that are one file each: style, script and pictures are in them, and nothing is fetched. They follow the
// reader's light or dark setting, work from the keyboard, and print.
#pragma once

#include <string>
#include <vector>

#include "tools/report/chart.h"

namespace n2s {

/// Throws Error where a page cannot become this file, before long work: its name has to end in .html or .htm.
void check_page_path(const std::string& file, bool overwrite);

/// A whole page. `body` is HTML.
std::string page_html(const std::string& title, const std::string& body);

/// A chart with its caption.
std::string chart_figure(const Chart& chart, const std::string& caption);

/// Pictures that are compared: two of them under a movable divider, and a slider through the planes.
struct Viewer {
  std::string name;                            // for screen readers: "restored planes"
  std::vector<std::string> planes;             // "plane 1 of 10"
  std::vector<std::string> choices;            // "noisy", "Noise2Stack", ...
  std::vector<std::vector<std::string>> uris;  // of each choice, one for each plane
  std::size_t left = 0, right = 0;             // the choices at first
};
/// `number` tells the page's viewers apart.
std::string viewer_html(const Viewer& viewer, int number);

/// Pictures in a row that wraps, each with a caption.
struct CaptionedPicture {
  std::string uri, caption;
};
std::string picture_row(const std::vector<CaptionedPicture>& pictures);

/// A table whose first column is text; cells are HTML.
std::string table_html(const std::vector<std::string>& heading, const std::vector<std::vector<std::string>>& rows);

}  // namespace n2s

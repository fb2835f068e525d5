// Charts of curves as SVG, for pages and for papers, and their numbers as CSV.
#pragma once

#include <string>
#include <vector>

namespace n2s {

struct ChartSeries {
  std::string name;
  std::vector<double> x, y;       // of one length
  std::vector<double> low, high;  // a band around y, of the same length; empty: none
  bool is_dashed = false;
  int colour = -1;  // number of one of eight; below 0: by the series' place. Charts of the same things share colours
};

struct Chart {
  std::string title;  // what it shows: also read aloud
  std::string x_label, y_label;
  std::vector<ChartSeries> series;
  bool has_points = true;       // marks at the values
  bool is_logarithmic = false;  // y, where all values are above 0
};

/// An <svg> element, 720 units wide. Text and axes have the colour of the text around it (currentColor), so that it
/// suits light and dark pages. Values that are not finite are left out.
std::string chart_svg(const Chart& chart);

/// The same as a file of its own.
std::string chart_svg_file(const Chart& chart);

/// "series,x,y,low,high"
std::string chart_csv(const Chart& chart);

}  // namespace n2s

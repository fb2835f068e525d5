// See compared_planes.h.
#include "tools/report/compared_planes.h"

#include <algorithm>
#include <cmath>

#include "tools/report/example_planes.h"
#include "tools/report/page.h"

namespace n2s {
namespace {

/// The last state that is no difference.
std::size_t reference_state(const ComparedPlanes& compared) {
  const bool ends_in_difference = compared.states.back().name == compared.difference && compared.states.size() > 1;
  return compared.states.size() - (ends_in_difference ? 2 : 1);
}

}  // namespace

GreyWindow window_of(const ComparedPlanes& compared, std::size_t state, int plane) {
  const ComparedState& own = compared.states[state];
  if (own.name == compared.difference) {
    const GreyWindow window = grey_window(plane_of(own.planes, plane));
    const double most = std::max(std::abs(window.black), std::abs(window.white));
    return {-most, most};
  }
  const ComparedState& from = compared.has_one_scale ? compared.states[reference_state(compared)] : own;
  return grey_window(plane_of(from.planes, plane));
}

std::string compared_viewer(const ComparedPlanes& compared, const std::string& name, std::size_t left,
                            std::size_t right, int number) {
  Viewer viewer;
  viewer.name = name;
  viewer.planes = compared.names;
  viewer.left = left;
  viewer.right = right;
  for (std::size_t state = 0; state < compared.states.size(); ++state) {
    const Stack& planes = compared.states[state].planes;
    viewer.choices.push_back(compared.states[state].name);
    viewer.uris.emplace_back();
    for (int plane = 0; plane < planes.planes; ++plane)
      viewer.uris.back().push_back(grey_uri(shown_picture(planes, plane), window_of(compared, state, plane)));
  }
  return viewer_html(viewer, number);
}

std::string compared_details(const ComparedPlanes& compared) {
  constexpr int kBox = 48;  // pixels
  constexpr int kTimes = 4;
  const Stack& reference = compared.states[reference_state(compared)].planes;
  const int plane = reference.planes / 2;
  const PlanePicture whole = shown_picture(reference, plane);
  if (std::min(whole.height, whole.width) < kBox) return {};
  const Place place = most_structure(whole, kBox);
  const GreyWindow frequencies = grey_window(log_spectrum(whole).values);
  std::vector<CaptionedPicture> pictures;
  for (std::size_t state = 0; state < compared.states.size(); ++state) {
    const ComparedState& own = compared.states[state];
    const PlanePicture part = shown_picture(own.planes, plane);
    pictures.push_back(
        {grey_uri(enlarged(part, place.top, place.left, kBox, kTimes), window_of(compared, state, plane)), own.name});
    const PlanePicture spectrum = log_spectrum(part);
    pictures.push_back({grey_uri(spectrum, compared.has_one_scale ? frequencies : grey_window(spectrum.values)),
                        own.name + ": frequencies"});
  }
  return picture_row(pictures);
}

}  // namespace n2s

// See hdf5_axes.h.
#include "data/formats/hdf5_axes.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "data/formats/hdf5_attributes.h"
#include "data/formats/hdf5_handle.h"
#include "data/json_text.h"
#include "data/text.h"

namespace n2s {
namespace {

constexpr const char* kLabels = "DIMENSION_LABELS";
constexpr const char* kScales = "DIMENSION_LIST";
constexpr const char* kVigra = "axistags";
constexpr const char* kMinc = "dimorder";

/// 'Z' for "z", "depth" or "/group/slice"; '?' for anything else.
char letter_of(std::string_view text) {
  if (const auto slash = text.rfind('/'); slash != std::string_view::npos) text.remove_prefix(slash + 1);
  const std::string lower = lower_case(text);
  constexpr std::array<std::pair<std::string_view, char>, 24> kWords = {
      {{"x", 'X'},      {"column", 'X'},  {"columns", 'X'},  {"width", 'X'},  {"y", 'Y'},      {"row", 'Y'},
       {"rows", 'Y'},   {"height", 'Y'},  {"z", 'Z'},        {"slice", 'Z'},  {"slices", 'Z'}, {"plane", 'Z'},
       {"planes", 'Z'}, {"depth", 'Z'},   {"t", 'T'},        {"time", 'T'},   {"frame", 'T'},  {"frames", 'T'},
       {"c", 'C'},      {"channel", 'C'}, {"channels", 'C'}, {"xspace", 'X'}, {"yspace", 'Y'}, {"zspace", 'Z'}}};
  const auto found = std::find_if(kWords.begin(), kWords.end(), [&](const auto& word) { return word.first == lower; });
  return found == kWords.end() ? '?' : found->second;
}

/// Empty unless each of `rank` axes has a name of its own.
std::string letters_of(const std::vector<std::string>& names, std::size_t rank) {
  std::string letters;
  for (const std::string& name : names) letters += letter_of(name);
  std::string sorted = letters;
  std::sort(sorted.begin(), sorted.end());
  const bool unique = std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
  return letters.size() == rank && unique && letters.find('?') == std::string::npos ? letters : "";
}

/// {"axes": [{"key": "z"}, ...]}
std::vector<std::string> vigra_names(const std::vector<std::string>& text) {
  if (text.size() != 1) return {};
  try {
    std::vector<std::string> names;
    const nlohmann::json json = parse_json(text.front());
    for (const nlohmann::json& axis : json.at("axes")) names.push_back(axis.at("key").get<std::string>());
    return names;
  } catch (const nlohmann::json::exception&) {
    return {};
  }
}

/// "time,zspace,yspace,xspace"
std::vector<std::string> minc_names(const std::vector<std::string>& text) {
  std::vector<std::string> names;
  if (text.size() != 1) return names;
  std::istringstream words(text.front());
  for (std::string word; std::getline(words, word, ',');) names.push_back(word);
  return names;
}

/// The name of the first scale of an axis.
std::string scale_name(hid_t dataset, const hvl_t& references) {
  if (references.len == 0 || references.p == nullptr) return "";
  const hid_t scale = H5Rdereference2(dataset, H5P_DEFAULT, H5R_OBJECT, references.p);
  if (scale < 0) return "";
  std::array<char, 256> name{};
  const ssize_t length = H5Iget_name(scale, name.data(), name.size());
  H5Oclose(scale);
  return length > 0 ? name.data() : "";
}

std::vector<std::string> scale_names(hid_t dataset, std::size_t rank) {
  if (H5Aexists(dataset, kScales) <= 0) return {};
  const Hdf5Handle attribute(H5Aopen(dataset, kScales, H5P_DEFAULT), H5Aclose, "no attribute");
  const Hdf5Handle space(H5Aget_space(attribute.get()), H5Sclose, "no space");
  const Hdf5Handle stored(H5Aget_type(attribute.get()), H5Tclose, "no type");
  if (H5Tget_class(stored.get()) != H5T_VLEN ||
      H5Sget_simple_extent_npoints(space.get()) != static_cast<hssize_t>(rank))
    return {};
  const Hdf5Handle type(H5Tvlen_create(H5T_STD_REF_OBJ), H5Tclose, "no type");
  std::vector<hvl_t> references(rank, hvl_t{0, nullptr});
  if (H5Aread(attribute.get(), type.get(), references.data()) < 0) return {};
  std::vector<std::string> names;
  names.reserve(rank);
  for (const hvl_t& axis : references) names.push_back(scale_name(dataset, axis));
  H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, references.data());
  return names;
}

}  // namespace

std::string read_hdf5_axes(hid_t dataset, std::size_t rank) {
  for (const auto& names : {hdf5_strings(dataset, kLabels), vigra_names(hdf5_strings(dataset, kVigra)),
                            minc_names(hdf5_strings(dataset, kMinc)), scale_names(dataset, rank)})
    if (std::string letters = letters_of(names, rank); !letters.empty()) return letters;
  return "";
}

void write_hdf5_axes(hid_t dataset, const std::string& axes, const std::string& failure) {
  const Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose, failure);
  check_hdf5(H5Tset_size(type.get(), H5T_VARIABLE), failure);
  const hsize_t count = axes.size();
  const Hdf5Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose, failure);
  const Hdf5Handle attribute(H5Acreate2(dataset, kLabels, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                             failure);
  std::vector<std::string> names;
  std::vector<const char*> texts;
  texts.reserve(axes.size());
  for (const char axis : axes) names.emplace_back(1, static_cast<char>(axis - 'A' + 'a'));
  for (const std::string& name : names) texts.push_back(name.c_str());
  check_hdf5(H5Awrite(attribute.get(), type.get(), texts.data()), failure);
}

}  // namespace n2s

// See stored_data_set.h.
#include "tools/experiments/stored_data_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "data/formats/hdf5.h"
#include "data/formats/hdf5_collection.h"
#include "data/json_text.h"
#include "kernels/base/error.h"
#include "tools/loaded_file.h"
#include "tools/stack_stream.h"
#include "tools/stored_stacks.h"

namespace n2s {
namespace {

std::string path_in_file(const StoredDataSet::Entry& entry, const std::string& copy) {
  return fmt::format("/{}/{}/{}", part_name(entry.part), entry.name, copy);
}

OpenFile open_copy(const StoredDataSet& data, const StoredDataSet::Entry& entry, const std::string& copy) {
  InputOptions input;
  input.read.dataset = path_in_file(entry, copy);
  OpenFile file = open_file(data.file.string(), input);
  file.path = fmt::format("{}{}", data.file.string(), input.read.dataset);
  return file;
}

/// "/train/brain/clean" -> train, brain, clean; empty where the path has another form.
std::vector<std::string> components(const std::string& path) {
  std::vector<std::string> parts;
  std::istringstream text(path.substr(1));
  for (std::string part; std::getline(text, part, '/');) parts.push_back(part);
  return parts.size() == 3 ? parts : std::vector<std::string>{};
}

}  // namespace

std::vector<StoredDataSet::Entry> StoredDataSet::of(Part part) const {
  std::vector<Entry> found;
  std::copy_if(entries.begin(), entries.end(), std::back_inserter(found),
               [&](const Entry& entry) { return entry.part == part; });
  return found;
}

bool StoredDataSet::has_copy(const std::string& copy) const {
  return std::any_of(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.copies.contains(copy); });
}

StoredDataSet open_data_set(const std::filesystem::path& file) {
  StoredDataSet data;
  data.file = file;
  const std::vector<Hdf5Dataset> list = list_hdf5(file);
  const std::string preparation = read_hdf5_text(file, "/", "preparation");
  if (preparation.empty())
    throw Error(fmt::format("{}: not a data set of n2s prepare; make one from raw files with it", file.string()));
  data.kind = parse_json(preparation).value("kind", "");
  std::map<std::pair<Part, std::string>, std::set<std::string>> found;
  for (const Hdf5Dataset& dataset : list) {
    const std::vector<std::string> parts = components(dataset.path);
    for (const Part part : kParts)
      if (!parts.empty() && parts[0] == part_name(part)) found[{part, parts[1]}].insert(parts[2]);
  }
  for (const auto& [place, copies] : found) data.entries.push_back({place.second, place.first, copies});
  return data;
}

Stack load_copy(const StoredDataSet& data, const StoredDataSet::Entry& entry, const std::string& copy) {
  const OpenFile file = open_copy(data, entry, copy);
  return read_planes(file, 0, 0, stack_shape(file.image, file.selected.stacks.front()).planes);
}

std::vector<StackPlanes> load_for_training(const StoredDataSet& data, const std::vector<StoredDataSet::Entry>& entries,
                                           const std::string& copy, VoxelMemory& memory) {
  double voxels = 0;
  for (const StoredDataSet::Entry& entry : data.entries)
    if (entry.copies.contains(copy)) voxels += voxels_of(open_copy(data, entry, copy));
  std::vector<StackPlanes> stacks;
  for (const StoredDataSet::Entry& entry : entries) {
    const OpenFile file = open_copy(data, entry, copy);
    const std::vector<StackPlanes> read = is_large(voxels) ? store_stacks(file, 0, memory) : load_stacks(file, 0);
    stacks.insert(stacks.end(), read.begin(), read.end());
  }
  return stacks;
}

}  // namespace n2s

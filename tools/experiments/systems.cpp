// See systems.h. The published figures are those of the paper's Table 1: other data than anyone's own.
#include "tools/experiments/systems.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "data/text.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr std::array kMri{
    System{
        .name = "noisy", .title = "noisy", .work = Work::input, .copy = "clean", .paper = Figures{20.7, 0.38, 0.244}},
    System{.name = "combined",
           .title = "two noisy copies combined",
           .work = Work::combined,
           .copy = "clean",
           .paper = Figures{22.4, 0.43, 0.201}},
    System{.name = "noise2noise",
           .title = "Noise2Noise",
           .method = "noise2noise",
           .planes = 1,
           .copy = "clean",
           .paper = Figures{29.1, 0.85, 0.092},
           .paper_post = Figures{30.9, 0.87, 0.075}},
    System{.name = "noise2noise-recipe",
           .title = "Noise2Noise, trained by its own recipe",
           .method = "noise2noise",
           .planes = 1,
           .copy = "clean",
           .recipe = "noise2noise",
           .by_default = false},
    System{.name = "1+2",
           .title = "Noise2Stack 1 + 2 planes, two copies",
           .method = "noise2stack",
           .planes = 3,
           .copy = "clean",
           .paper = Figures{30.3, 0.88, 0.080},
           .paper_post = Figures{32.2, 0.90, 0.064}},
    System{.name = "1+4",
           .title = "Noise2Stack 1 + 4 planes, two copies",
           .method = "noise2stack",
           .planes = 5,
           .copy = "clean",
           .paper = Figures{30.9, 0.89, 0.075},
           .paper_post = Figures{32.7, 0.91, 0.061}},
    System{.name = "1+6",
           .title = "Noise2Stack 1 + 6 planes, two copies",
           .method = "noise2stack",
           .planes = 7,
           .copy = "clean",
           .paper = Figures{30.8, 0.89, 0.075},
           .paper_post = Figures{32.6, 0.91, 0.061}},
    System{.name = "2",
           .title = "Noise2Stack 2 planes, self-supervised",
           .method = "noise2stack",
           .planes = 2,
           .copy = "clean",
           .paper = Figures{28.6, 0.84, 0.097},
           .paper_post = Figures{31.3, 0.87, 0.072}},
    System{.name = "4",
           .title = "Noise2Stack 4 planes, self-supervised",
           .method = "noise2stack",
           .planes = 4,
           .copy = "clean",
           .paper = Figures{29.2, 0.85, 0.091},
           .paper_post = Figures{31.7, 0.88, 0.069}},
    System{.name = "6",
           .title = "Noise2Stack 6 planes, self-supervised",
           .method = "noise2stack",
           .planes = 6,
           .copy = "clean",
           .paper = Figures{29.0, 0.85, 0.093},
           .paper_post = Figures{31.5, 0.87, 0.070}},
    System{.name = "noise2clean",
           .title = "Noise2Clean",
           .method = "noise2clean",
           .planes = 1,
           .copy = "clean",
           .by_default = false},
    System{.name = "noise2void",
           .title = "Noise2Void",
           .method = "noise2void",
           .planes = 1,
           .copy = "clean",
           .by_default = false},
    System{.name = "bm3d", .title = "BM3D", .work = Work::bm3d, .copy = "clean", .by_default = false},
};

constexpr std::array kMicroscopy{
    System{.name = "segmentation",
           .title = "segmentation network",
           .work = Work::segmentation,
           .method = "noise2clean",
           .planes = 1,
           .copy = "high"},
    System{.name = "truth", .title = "high exposure", .work = Work::input, .copy = "high"},
    System{.name = "noisy",
           .title = "low exposure",
           .work = Work::input,
           .copy = "low",
           .paper = Figures{25.8, 0.40, 0.388}},
    System{.name = "bm3d", .title = "BM3D", .work = Work::bm3d, .copy = "low", .paper = Figures{31.0, 0.68, 0.222}},
    System{.name = "noise2clean",
           .title = "Noise2Clean",
           .method = "noise2clean",
           .planes = 1,
           .copy = "low",
           .target = "high",
           .paper = Figures{32.8, 0.77, 0.174}},
    System{.name = "noise2void",
           .title = "Noise2Void",
           .method = "noise2void",
           .planes = 1,
           .copy = "low",
           .paper = Figures{26.8, 0.44, 0.357}},
    System{.name = "2",
           .title = "Noise2Stack 2 planes, self-supervised",
           .method = "noise2stack",
           .planes = 2,
           .copy = "low",
           .paper = Figures{31.6, 0.73, 0.195}},
    System{.name = "4",
           .title = "Noise2Stack 4 planes, self-supervised",
           .method = "noise2stack",
           .planes = 4,
           .copy = "low",
           .paper = Figures{31.6, 0.73, 0.197}},
    System{.name = "noise2self",
           .title = "Noise2Self with 4 neighbours",
           .method = "noise2self",
           .planes = 5,
           .copy = "low",
           .by_default = false},
    System{.name = "brightfield",
           .title = "Noise2Stack 4 planes, bright field",
           .method = "noise2stack",
           .planes = 4,
           .copy = "brightfield"},
};

}  // namespace

std::span<const System> systems(const std::string& experiment) {
  if (experiment == "mri") return kMri;
  return kMicroscopy;
}

std::string system_names(const std::string& experiment) {
  std::string names;
  for (const System& system : systems(experiment)) names += fmt::format("{}{}", names.empty() ? "" : ", ", system.name);
  return names;
}

std::vector<const System*> chosen_systems(const std::string& experiment, const std::string& list) {
  std::vector<const System*> chosen;
  if (list.empty()) {
    for (const System& system : systems(experiment))
      if (system.by_default) chosen.push_back(&system);
    return chosen;
  }
  std::istringstream text(list);
  for (std::string item; std::getline(text, item, ',');) {
    const std::string name = trimmed(item);
    const std::span<const System> all = systems(experiment);
    const auto found = std::find_if(all.begin(), all.end(), [&](const System& system) { return system.name == name; });
    if (found == all.end())
      throw Error(fmt::format("--methods: '{}' is not known; choose among {}", name, system_names(experiment)));
    if (std::find(chosen.begin(), chosen.end(), &*found) == chosen.end()) chosen.push_back(&*found);
  }
  return chosen;
}

}  // namespace n2s

// The rows of the table of networks.
#include "nets/network.h"

#include <fmt/format.h>

#include <array>

#include "kernels/base/error.h"
#include "nets/microscopy_unet.h"
#include "nets/mri_unet.h"

namespace n2s {
namespace {

constexpr std::array kNetworks{
    Network{.name = "mri",
            .build = mri_unet,
            .default_for = DefaultFor::medical_files,
            .has_residual = false,
            .normalisation = "robust-range",
            .fill = -0.5F,
            .max_shift = 64,
            .orientations = false,
            .learning_rate = 1e-3,
            .step_learning_rate = 1e-3,
            .paper_planes = 5,
            .paper_noise = "kspace:0.1"},
    Network{.name = "microscopy",
            .build = microscopy_unet,
            .default_for = DefaultFor::other_files,
            .has_residual = true,
            .normalisation = "percentile",
            .fill = 0.0F,
            .max_shift = 0,
            .orientations = true,
            .learning_rate = 1e-3,
            .step_learning_rate = 4e-3,
            .paper_planes = 2,
            .paper_noise = ""},
    Network{.name = "blind-spot",
            .build = blind_spot_unet,
            .default_for = DefaultFor::no_files,
            .has_residual = false,
            .normalisation = "mean-std",
            .fill = 0.0F,
            .max_shift = 0,
            .orientations = true,
            .learning_rate = 4e-3,
            .step_learning_rate = 4e-3,
            .paper_planes = 1,
            .paper_noise = ""},
    Network{.name = "n2v2",
            .build = n2v2_unet,
            .default_for = DefaultFor::no_files,
            .has_residual = false,
            .normalisation = "mean-std",
            .fill = 0.0F,
            .max_shift = 0,
            .orientations = true,
            .learning_rate = 4e-3,
            .step_learning_rate = 4e-3,
            .paper_planes = 1,
            .paper_noise = ""},
};

}  // namespace

std::span<const Network> networks() {
  return kNetworks;
}

const Network& find_network(const std::string& name) {
  for (const Network& network : kNetworks)
    if (name == network.name) return network;
  throw Error(fmt::format("there is no network '{}': choose {}", name, network_names()));
}

const Network& default_network(DefaultFor files) {
  for (const Network& network : kNetworks)
    if (network.default_for == files) return network;
  throw Error(fmt::format("no network is the default here: choose one with --net ({})", network_names()));
}

std::string network_names() {
  std::string names = kNetworks.front().name;
  for (std::size_t i = 1; i < kNetworks.size(); ++i)
    names += fmt::format("{}{}", i + 1 < kNetworks.size() ? ", " : " or ", kNetworks.at(i).name);
  return names;
}

}  // namespace n2s

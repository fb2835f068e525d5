// The systems that the paper compares (Papkov et al. 2020, Table 1), one row each: what they see, how they learn, and
// the published figures.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace n2s {

/// How a restored stack comes about.
enum class Work {
  input,     // the noisy stack as it is
  combined,  // undersampled: the frequencies of two noisy copies together
  bm3d,
  network,       // that is trained
  segmentation,  // no restoration: the network of the downstream check (downstream.h)
};

/// Whether a network learns, with a seed of its own.
inline bool learns(Work work) {
  return work == Work::network || work == Work::segmentation;
}

struct Figures {
  double psnr = 0, ssim = 0, nrmse = 0;
};

struct System {
  std::string_view name;  // of --methods
  std::string_view title;
  Work work = Work::network;
  std::string_view method{};  // of training_methods()
  int planes = 0;             // of the network's input; 0: it has no network
  std::string_view copy{};    // of the data set: what is restored
  std::string_view target{};  // what is learned from, where that is another copy
  std::string_view recipe{};  // of TrainingOptions
  bool by_default = true;
  std::optional<Figures> paper{};       // published
  std::optional<Figures> paper_post{};  // published, after k-space data consistency
};

/// Of the experiment "mri" or "microscopy", in the table's order.
std::span<const System> systems(const std::string& experiment);

/// "noisy, combined, ...", for messages and help texts.
std::string system_names(const std::string& experiment);

/// Those that the list names ("noisy,1+4"); empty: the default ones. Throws Error with the known names.
std::vector<const System*> chosen_systems(const std::string& experiment, const std::string& list);

}  // namespace n2s

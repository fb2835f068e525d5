// The one exception type of the project: what failed, on which file or operation, and what the user can do.
// `kernels/base` is the floor that every folder may include; it includes nothing of the project.
#pragma once

#include <stdexcept>
#include <string>

namespace n2s {

/// Thrown for everything a user can cause or cure. `what()` is one line, without a trailing full stop or newline,
/// e.g. "brain.nii.gz: the file ends after 1024 of 5898592 bytes; fetch it again".
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace n2s

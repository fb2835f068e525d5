// A model's parameters as torch.save() writes a state_dict: for programs that read no safetensors.
#pragma once

#include <string>

#include "tools/model_use.h"

namespace n2s {

/// The bytes of a .pt file, for torch.load(…, weights_only=True): an OrderedDict of float32 tensors.
std::string torch_state(const LoadedModel& model);

}  // namespace n2s

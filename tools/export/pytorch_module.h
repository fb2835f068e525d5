// A network as Python source in plain PyTorch, whose state is a model's own safetensors file: names and layouts of the
// parameters are PyTorch's already.
#pragma once

#include <string>

#include "tools/model_use.h"

namespace n2s {

/// A file with the class Network and a function load(). `state` is the name of the file with the parameters
/// (.safetensors, or .pt as torch_state() makes it), and `configuration` the model's, which is quoted in the file's
/// first text.
std::string pytorch_module(const LoadedModel& model, const std::string& configuration, const std::string& state);

}  // namespace n2s

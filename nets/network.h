// The networks by name, with what tiling needs to know about them.
#pragma once

#include <string>
#include <vector>

#include "engine/graph/graph.h"

namespace n2s {

enum class NetworkKind { mri, microscopy };

struct Network {
  NetworkKind kind;
  Graph graph;           // plain operations, forward
  int receptive_radius;  // pixels: how far away an input pixel can change an output pixel
};

Network make_network(NetworkKind kind, int planes);

/// "mri" and "microscopy". Throws Error with the known names.
NetworkKind network_kind(const std::string& name);
std::string network_name(NetworkKind kind);

}  // namespace n2s

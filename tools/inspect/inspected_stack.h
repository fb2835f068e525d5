// The stacks of a file, inspected, with the advice for each.
#pragma once

#include <string>
#include <vector>

#include "analysis/advice.h"
#include "analysis/inspection.h"
#include "tools/stack_stream.h"

namespace n2s {

struct InspectedStack {
  std::string name;        // for messages
  std::size_t number = 0;  // of the file's stacks
  Inspection found;
  StackContext context;
  Advice advice;
};

/// What a file says of itself.
struct InspectedFile {
  std::string path;
  InputOptions options;    // it was opened with
  std::string type;        // "uint16"
  std::string axes;        // "Z=40 Y=512 X=512"
  std::string axes_from;   // how sure they are: one sentence
  std::string spacing;     // "0.5 x 0.1 x 0.1 micron (Z, Y, X)"; empty: unknown
  std::string chosen;      // which planes make the stacks
  std::size_t stacks = 0;  // of the file, of which one for each channel is inspected
  std::vector<InspectedStack> inspected;
};

/// Inspects one stack. `may_hide_pixels`: whether a method that does so may be advised. Throws Error.
InspectedStack inspect_stack(const OpenFile& file, std::size_t stack, bool may_hide_pixels = true);

/// One stack of each channel, the middle one of its time points or slices. Throws Error.
InspectedFile inspect_file(const std::string& path, const InputOptions& input, const CommonOptions& common);

/// The command line that follows the advice, for a shell.
std::string command_of(const InspectedFile& file, const InspectedStack& stack);

}  // namespace n2s

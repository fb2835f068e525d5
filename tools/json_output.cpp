// Prints JSON on standard output, where nothing else goes with --json.
#include "tools/json_output.h"

#include <iostream>

#include "data/json_text.h"
#include "tools/caller.h"

namespace n2s {

void print_json(const nlohmann::json& json) {
  if (Caller* program = caller()) {
    program->result = json_text(json);
    return;
  }
  std::cout << json_text(json, 2) << "\n";
}

}  // namespace n2s

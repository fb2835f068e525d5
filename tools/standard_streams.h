// Standard streams that may be closed, full or a broken pipe: results are an error then, notes are not.
#pragma once

#include <string>

namespace n2s {

/// To be called first. Closed streams are opened on /dev/null, so that no output file gets their numbers, and writing
/// to a closed standard output fails; a broken pipe is an error of the write, not the end of the program.
void prepare_standard_streams();

/// Writes to standard error, or tells the calling program; failures are ignored, since there is nowhere to report them.
void print_note(const std::string& text);

/// Throws Error where something that was written to standard output has not arrived.
void check_results_written();

}  // namespace n2s

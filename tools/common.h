// What every verb shares: its common options, the device they choose and how notes are printed.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "data/image.h"
#include "data/stack.h"
#include "engine/devices/device.h"
#include "tools/command_line.h"
#include "tools/standard_streams.h"

namespace n2s {

struct CommonOptions {
  std::string device = "auto";     // auto, cpu, cuda, cuda:1 ...
  std::string precision = "fp32";  // fp32, tf32, fp16, bf16
  std::string variant = "auto";    // of the convolution on a GPU; only n2s bench asks
  std::uint64_t seed = 1;
  int threads = 0;  // of the CPU; 0: one per core
  bool quiet = false, json = false, force = false;
};
void add_common_options(Verb& verb, CommonOptions& options);

/// Some of them, for verbs that do not need all.
void add_device_options(Verb& verb, CommonOptions& options);
void add_seed_option(Verb& verb, CommonOptions& options);
void add_threads_option(Verb& verb, CommonOptions& options);

/// Those of verbs that only look at files: --quiet, --json and --force.
void add_report_options(Verb& verb, CommonOptions& options);

/// The GPU that the options choose. None: the CPU, and with --device auto `why_cpu` says why. Throws Error for a
/// --device that is neither.
std::optional<CudaOptions> chosen_gpu(const CommonOptions& options, std::string& why_cpu);

/// Opens the device and says which it is (with --device auto: and why). Throws Error for a device or precision that
/// this build or machine lacks.
Device open_device(const CommonOptions& options);

/// -o, with the extensions that can be written.
void add_output_option(Verb& verb, std::string& path, const std::string& what);

/// --float, which writes floats whatever the input's samples are; and what to write by.
void add_float_option(Verb& verb, bool& as_float);
WriteOptions write_options(const CommonOptions& common, bool as_float);

/// --report, a page about what the verb has done.
void add_page_option(Verb& verb, std::string& page, const std::string& what);

/// Which stacks of a file to read.
struct InputOptions {
  ReadOptions read;
  StackOptions stack;
};
void add_input_options(Verb& verb, InputOptions& options);

/// The `count` planes in the middle, as in the paper's MRI experiments (the ends of a head scan are air); 0: all
/// planes. Throws Error when the stack has fewer.
Stack middle_planes(Stack stack, int count);
void add_middle_option(Verb& verb, int& count);

/// A note for the user on standard error; silent with --quiet.
void say_text(const CommonOptions& options, const std::string& text);
template <typename... Values>
void say(const CommonOptions& options, fmt::format_string<Values...> format, Values&&... values) {
  say_text(options, fmt::format(format, std::forward<Values>(values)...));
}

/// A warning on standard error, with --quiet too: the result may be wrong.
template <typename... Values>
void warn(fmt::format_string<Values...> format, Values&&... values) {
  print_note(fmt::format("warning: {}\n", fmt::format(format, std::forward<Values>(values)...)));
}

/// "1.93 GiB", "12.5 MiB".
std::string human_bytes(std::size_t bytes);

}  // namespace n2s

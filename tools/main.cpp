// n2s: the command-line program. Every verb is a file pair of its own; here they are only gathered.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "tools/verbs/bench.h"
#include "tools/verbs/corrupt.h"
#include "tools/verbs/demo.h"
#include "tools/verbs/denoise.h"
#include "tools/verbs/evaluate.h"
#include "tools/verbs/info.h"
#include "tools/verbs/restore.h"
#include "tools/verbs/train.h"

namespace {

/// CLI11 says only "A subcommand is required" where the first word is not one.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> words = app.remaining();
  if (app.get_subcommands().empty() && !words.empty())
    return fmt::format("there is no {} '{}'", words[0].starts_with('-') ? "option" : "verb", words[0]);
  return error.what();
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a full quota is then an error of the write call, and reported as one
  CLI::App app{"Noise2Stack: restores noisy image stacks by learning from the stack itself"};
  app.set_version_flag("--version", std::string("n2s ") + N2S_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  n2s::add_restore(app);
  n2s::add_train(app);
  n2s::add_denoise(app);
  n2s::add_evaluate(app);
  n2s::add_corrupt(app);
  n2s::add_info(app);
  n2s::add_bench(app);
  n2s::add_demo(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    if (argc < 2) return fmt::print("{}", app.help()), 2;
    fmt::print(stderr, "n2s: error: {} (see n2s --help)\n", usage_error(app, error));
    return 2;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "n2s: error: not enough memory\n");
    return 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "n2s: error: {}\n", error.what());
    return 1;
  }
  return 0;
}

// Writes what is installed beside the program, from the table of options that --help prints.
#include "tools/verbs/manual.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "data/atomic_file.h"
#include "tools/manual/completion.h"
#include "tools/manual/man_page.h"
#include "tools/manual/markdown_page.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

void write_page(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  write_text_atomically(path, text);
}

void write_manual(const ProgramRow& program, const fs::path& folder) {
  const fs::path pages = folder / "man/man1";
  write_page(pages / "n2s.1", man_page(program, N2S_VERSION));
  for (const VerbRow& verb : program.verbs)
    write_page(pages / fmt::format("n2s-{}.1", verb.name), man_page(verb, N2S_VERSION));
  const fs::path markdown = folder / "doc/noise2stack/commands";
  write_page(markdown / "index.md", markdown_page(program));
  for (const VerbRow& verb : program.verbs) write_page(markdown / (verb.name + ".md"), markdown_page(verb));
  write_page(folder / "bash-completion/completions/n2s", bash_completion(program));
  write_page(folder / "zsh/site-functions/_n2s", zsh_completion(program));
  write_page(folder / "fish/vendor_completions.d/n2s.fish", fish_completion(program));
}

}  // namespace

void add_manual(Program& program) {
  auto folder = std::make_shared<std::string>();
  Verb verb =
      program.add_verb("manual", "Write manual pages, for man and in Markdown, and completions for bash, zsh and fish");
  verb.option("FOLDER", *folder,
              "Where to: man, doc, bash-completion, zsh and fish are its folders, as in /usr/local/share")
      .required();
  verb.footer("Example: n2s manual ~/.local/share");
  verb.on_run([folder, &program] { write_manual(program.table(), *folder); });
}

}  // namespace n2s

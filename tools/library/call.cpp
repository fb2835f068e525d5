// See call.h.
#include "tools/library/call.h"

#include <fmt/format.h>
#include <locale.h>  // uselocale is POSIX's  NOLINT(modernize-deprecated-headers)
#include <stdlib.h>  // mkdtemp is POSIX's  NOLINT(modernize-deprecated-headers)

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "kernels/base/error.h"
#include "tools/model_use.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

/// What the library itself says on the command line.
bool is_reserved(const std::string& name) {
  return name == "output" || name == "json" || name == "quiet" || name == "help" || name == "version" || name == "axes";
}

std::string word_of(const std::string& name, const std::optional<std::string>& value) {
  if (name.empty() || name.front() == '-' || name.find('=') != std::string::npos)
    throw UsageError(fmt::format("'{}': no name of an option; write it without dashes, such as \"steps\"", name));
  if (is_reserved(name)) throw UsageError(fmt::format("option '{}': is the library's own", name));
  return value ? fmt::format("--{}={}", name, *value) : "--" + name;
}

/// Numbers on the command line have points, whatever the program that calls has set: Qt, for one, takes the user's
/// locale, where it may be a comma. For this thread, as long as it lives.
class PlainLocale {
 public:
  PlainLocale() : plain_(::newlocale(LC_ALL_MASK, "C", nullptr)), before_(::uselocale(plain_)) {
    if (plain_ == nullptr) throw std::bad_alloc();
  }
  ~PlainLocale() {
    ::uselocale(before_);
    ::freelocale(plain_);
  }
  PlainLocale(const PlainLocale&) = delete;
  PlainLocale& operator=(const PlainLocale&) = delete;

 private:
  locale_t plain_, before_;
};

}  // namespace

std::string run(const Call& call, Caller& caller) {
  const PlainLocale locale;
  std::vector<std::string> words = call.words;
  words.emplace_back("--json");
  for (const auto& [name, value] : call.options) words.push_back(word_of(name, value));
  const CallerScope scope(caller);
  const LentArrays lent(call.arrays);
  Program program("", "");
  call.add_verb(program);
  try {
    program.execute(words);
  } catch (const Error& error) {
    if (caller.cancelled()) throw Cancelled(error.what());
    throw;
  }
  return std::move(caller.result);
}

ScratchFolder::ScratchFolder() {
  std::string name = (fs::temp_directory_path() / "n2s-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw Error(fmt::format("{}: cannot create a temporary folder: {}; name another place in TMPDIR", name,
                            std::strerror(errno)));
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void copy_models(const fs::path& from, const fs::path& folder) {
  const std::vector<LoadedModel> models = load_models(from);
  fs::create_directories(folder);
  if (!models.front().of_one_channel) {
    fs::copy_file(model_file(from), folder / "model.safetensors", fs::copy_options::overwrite_existing);
    return;
  }
  for (std::size_t i = 0; i < models.size(); ++i) {
    const std::string channel = fmt::format("channel{}", i);
    fs::create_directories(folder / channel);
    fs::copy_file(model_file(from / channel), folder / channel / "model.safetensors",
                  fs::copy_options::overwrite_existing);
  }
}

}  // namespace n2s

// Reads damaged files of every format, and damaged models: each must be an Error or an image, with no more memory than
// the file declares. Sanitizers see the rest (preset asan).
//
// usage: fuzz_files MUTANTS [FORMAT [SEED]]     FORMAT: a name of data/formats/formats.cpp, or safetensors; default:
// all
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>

#include "data/formats/formats.h"
#include "engine/training/safetensors.h"
#include "tests/data/file_helpers.h"
#include "tests/fuzz/mutate.h"

namespace n2s::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestRead = std::size_t{64} << 20;  // bytes of values: larger images are opened only
constexpr long kMemory = 256L << 20;                         // bytes beyond those of the image

long peak_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

struct Seed {
  std::string name;
  Bytes bytes;
};

Bytes bytes_of(const fs::path& path) {
  const std::vector<char> bytes = test::read_bytes(path);
  return {bytes.begin(), bytes.end()};
}

/// The fixtures that the format reads.
std::vector<Seed> seeds_of(const Format& format) {
  std::vector<Seed> seeds;
  for (const fs::directory_entry& entry : fs::directory_iterator("tests/data/fixtures")) {
    if (!entry.is_regular_file() || entry.file_size() == 0) continue;
    const InputFile file(entry.path());
    if (format_of_content(file) == &format) seeds.push_back({entry.path().filename().string(), bytes_of(entry.path())});
  }
  std::sort(seeds.begin(), seeds.end(), [](const Seed& a, const Seed& b) { return a.name < b.name; });
  return seeds;
}

Seed model_seed(const fs::path& folder) {
  TensorFile file;
  file.metadata["noise2stack"] = R"({"network":"mri","planes":4})";
  const std::vector<float> values(36, 0.5F);
  file.tensors.push_back(float_tensor("a.weight", {4, 1, 3, 3}, values));
  file.tensors.push_back(float_tensor("a.bias", {4}, std::span(values).first(4)));
  const std::string path = (folder / "seed").string();
  write_safetensors(path, file);
  return {"model.safetensors", bytes_of(path)};
}

void read_image_file(const fs::path& path) {
  const std::unique_ptr<ImageReader> reader = open_image(path);
  const std::size_t bytes = sample_count(reader->image().axes) * sizeof(float);
  if (bytes <= kLargestRead) reader->read_all();
}

[[noreturn]] void keep_and_end(const fs::path& path, long mutant, const std::string& what) {
  const fs::path kept = fs::temp_directory_path() / fmt::format("n2s-fuzz-{}-{}", mutant, path.filename().string());
  fs::copy_file(path, kept, fs::copy_options::overwrite_existing);
  fmt::print(stderr, "mutant {}: {}; kept as {}\n", mutant, what, kept.string());
  std::exit(1);
}

/// Reads mutants `first` to `last`. Returns the number of those that are still images.
template <class Read>
long read_mutants(const std::vector<Seed>& seeds, long first, long last, std::uint64_t seed, Read&& read) {
  const test::TemporaryFolder folder;
  const long before = peak_bytes();
  long whole = 0;
  for (long i = first; i < last; ++i) {
    Random random(seed * 1'000'003 + static_cast<std::uint64_t>(i));
    const Seed& original = seeds[static_cast<std::size_t>(i) % seeds.size()];
    const Bytes bytes = mutated(original.bytes, random);
    const fs::path path = folder / original.name;
    test::write_bytes(path, {bytes.begin(), bytes.end()});
    try {
      read(path);
      ++whole;
    } catch (const Error&) {
    } catch (const std::exception& other) {
      keep_and_end(path, i, other.what());
    }
    if (peak_bytes() - before > kMemory + static_cast<long>(kLargestRead))
      keep_and_end(path, i, "more memory than any of these files declares");
  }
  return whole;
}

/// In processes of their own, as the library that reads the format may crash or never end: counts those.
long crashes_in_library(const std::vector<Seed>& seeds, long mutants, std::uint64_t seed) {
  constexpr long kTogether = 100;
  long crashes = 0;
  for (long first = 0; first < mutants; first += kTogether) {
    const pid_t child = ::fork();
    if (child == 0) {
      constexpr unsigned kSeconds = 60;
      ::alarm(kSeconds);
      if (std::freopen("/dev/null", "w", stderr) == nullptr) ::_exit(1);
      read_mutants(seeds, first, std::min(first + kTogether, mutants), seed, read_image_file);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) ++crashes;
  }
  return crashes;
}

void report(const std::string& name, std::size_t seeds, long mutants, long whole, long before) {
  const long grown = peak_bytes() - before;
  fmt::print("{:<12} {:>3} seeds, {} mutants: {} images, {} errors; memory +{} MiB\n", name, seeds, mutants, whole,
             mutants - whole, grown >> 20);
}

int run(int argc, char** argv) {
  const long mutants = argc > 1 ? std::atol(argv[1]) : 0;
  const std::string only = argc > 2 ? argv[2] : "";
  const std::uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
  if (mutants <= 0) {
    fmt::print(stderr, "usage: fuzz_files MUTANTS [FORMAT [SEED]]\n");
    return 2;
  }
  for (const Format& format : formats()) {
    if (!only.empty() && format.name != only) continue;
    const std::vector<Seed> seeds = seeds_of(format);
    const long before = peak_bytes();
    if (seeds.empty()) continue;
    if (format.crashes_on_damage) {
      const long crashes = crashes_in_library(seeds, mutants, seed);
      fmt::print("{:<12} {:>3} seeds, {} mutants: its library ended {} of the batches of 100\n", format.name,
                 seeds.size(), mutants, crashes);
      continue;
    }
    report(std::string(format.name), seeds.size(), mutants, read_mutants(seeds, 0, mutants, seed, read_image_file),
           before);
  }
  if (only.empty() || only == "safetensors") {
    const test::TemporaryFolder folder;
    const long before = peak_bytes();
    const auto read = [](const fs::path& path) { read_safetensors(path.string()); };
    report("safetensors", 1, mutants, read_mutants({model_seed(folder.path())}, 0, mutants, seed, read), before);
  }
  return 0;
}

}  // namespace
}  // namespace n2s::fuzz

int main(int argc, char** argv) {
  try {
    return n2s::fuzz::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "fuzz_files: {}\n", error.what());
    return 1;
  }
}

// Outputs: the old file or the new one, whole; refusals before any work; a full disk.
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <span>

#include "data/atomic_file.h"
#include "tests/data/file_helpers.h"

using namespace n2s;
using namespace n2s::test;

namespace {

// Files of this process can grow to `bytes` only: to a program, a disk that is full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small = {bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_ = {};
  void (*handler_)(int);
};

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string text_of(const std::filesystem::path& path) {
  const std::vector<char> bytes = read_bytes(path);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("a file is replaced as a whole") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "a", bytes_of("old"), false);
  CHECK(contains(error_of([&] { write_file_atomically(folder / "a", bytes_of("new"), false); }), "exists already"));
  CHECK(text_of(folder / "a") == "old");
  {
    AtomicFile file(folder / "a");
    file.write(bytes_of("half"));
  }
  CHECK(text_of(folder / "a") == "old");
  write_file_atomically(folder / "a", bytes_of("new"));
  CHECK(text_of(folder / "a") == "new");
  CHECK(folder.files() == 1);
}

TEST_CASE("a file that appears during the work is not overwritten") {
  const TemporaryFolder folder;
  AtomicFile file(folder / "a", false);
  file.write(bytes_of("new"));
  write_bytes(folder / "a", {'o', 'l', 'd'});
  CHECK(contains(error_of([&] { file.commit(); }), "exists already"));
  CHECK(text_of(folder / "a") == "old");
}

TEST_CASE("permissions and symbolic links are kept") {
  const TemporaryFolder folder;
  write_bytes(folder / "a", {'o', 'l', 'd'});
  std::filesystem::permissions(folder / "a", std::filesystem::perms(0640));
  std::filesystem::create_symlink("a", folder / "link");
  write_file_atomically(folder / "link", bytes_of("new"));
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(text_of(folder / "a") == "new");
  CHECK(std::filesystem::status(folder / "a").permissions() == std::filesystem::perms(0640));
  write_file_atomically(folder / std::string(255, 'n'), bytes_of("the longest name"));
  CHECK(folder.files() == 3);
}

TEST_CASE("outputs that cannot be are refused before any work") {
  const TemporaryFolder folder;
  write_bytes(folder / "a", {'o', 'l', 'd'});
  CHECK_NOTHROW(check_output_path(folder / "new", false));
  CHECK_NOTHROW(check_output_path(folder / "a", true));
  CHECK_NOTHROW(check_output_path("relative-name-that-is-not-there", false));
  CHECK(contains(error_of([&] { check_output_path(folder / "a", false); }), "exists already"));
  CHECK(contains(error_of([&] { check_output_path(folder / "none/a", true); }), "there is no folder"));
  CHECK(contains(error_of([&] { check_output_path(folder / "a/b", true); }), "there is no folder"));
  CHECK(contains(error_of([&] { check_output_path("/dev/null", true); }), "not a regular file"));
  CHECK(contains(error_of([&] { check_output_path(folder / "", true); }), "needs a file name"));
  CHECK(contains(error_of([&] { check_output_path("", true); }), "needs a file name"));
  std::filesystem::create_directory(folder / "folder");
  CHECK(contains(error_of([&] { check_output_path(folder / "folder", true); }), "is a folder"));
  if (::geteuid() == 0) {
    MESSAGE("skipped: root may write to every folder");
  } else {
    std::filesystem::permissions(folder / "folder", std::filesystem::perms(0500));
    CHECK(contains(error_of([&] { check_output_path(folder / "folder/a", true); }), "cannot write to the folder"));
  }
}

TEST_CASE("a full disk loses nothing") {
  const TemporaryFolder folder;
  for (const std::string name : {"a.nii", "a.nii.gz", "a.tif", "a.h5", "a.png"}) {
    CAPTURE(name);
    Image image = ramp_image({{'Y', 300, 1}, {'X', 301, 1}}, SampleType::uint16);
    for (std::size_t i = 0; i < image.values.size(); ++i)  // does not compress
      image.values[i] = static_cast<float>((i * i * 40503U ^ (i >> 3U) * 2654435761U) % 65536);
    WriteOptions options;
    options.overwrite = true;
    write_image(folder / name, image, options);
    const std::vector<char> old = read_bytes(folder / name);
    for (const rlim_t limit : {0U, 1000U, 60000U}) {
      image.values[0] += 1;
      std::string message;
      {
        const FullDisk full(limit);
        message = error_of([&] { write_image(folder / name, image, options); });
      }
      CHECK(contains(message, name + ": cannot write: "));
      CHECK(contains(message, "nothing was changed"));
      CHECK(read_bytes(folder / name) == old);
    }
  }
  CHECK(folder.files() == 5);
}

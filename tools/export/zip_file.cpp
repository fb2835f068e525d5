// By libzip (https://libzip.org).
#include "tools/export/zip_file.h"

#include <fmt/format.h>
#include <zip.h>

#include <memory>

#include "kernels/base/error.h"

namespace n2s {
namespace {

[[noreturn]] void fail(zip_error_t& error) {
  const std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  throw Error(fmt::format("the zip archive cannot be made: {}", text));
}

void check(zip_t* archive, bool succeeded) {
  if (!succeeded) throw Error(fmt::format("the zip archive cannot be made: {}", zip_strerror(archive)));
}

void add(zip_t* archive, const ArchivedFile& file, ZipCompression compression) {
  zip_source_t* source = zip_source_buffer(archive, file.bytes.data(), file.bytes.size(), 0);
  check(archive, source != nullptr);
  const zip_int64_t index = zip_file_add(archive, file.name.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) zip_source_free(source);  // else the archive's
  check(archive, index >= 0);
  const auto entry = static_cast<zip_uint64_t>(index);
  check(archive, zip_set_file_compression(archive, entry,
                                          compression == ZipCompression::none ? ZIP_CM_STORE : ZIP_CM_DEFLATE, 0) == 0);
  constexpr zip_uint16_t kNoTime = 0, kFirstDay = 33;  // 1980-01-01
  check(archive, zip_file_set_dostime(archive, entry, kNoTime, kFirstDay, 0) == 0);
}

}  // namespace

std::string zip_archive(const std::vector<ArchivedFile>& files, ZipCompression compression) {
  zip_error_t error;
  zip_error_init(&error);
  const std::unique_ptr<zip_source_t, void (*)(zip_source_t*)> memory(zip_source_buffer_create(nullptr, 0, 0, &error),
                                                                      zip_source_free);
  if (memory == nullptr) fail(error);
  zip_source_keep(memory.get());  // closing the archive gives up one of the two claims on it
  std::unique_ptr<zip_t, void (*)(zip_t*)> archive(
      zip_open_from_source(memory.get(), ZIP_CREATE | ZIP_TRUNCATE, &error), zip_discard);
  if (archive == nullptr) {
    zip_source_free(memory.get());
    fail(error);
  }
  for (const ArchivedFile& file : files) add(archive.get(), file, compression);
  check(archive.get(), zip_close(archive.get()) == 0);
  static_cast<void>(archive.release());

  if (zip_source_open(memory.get()) != 0) fail(*zip_source_error(memory.get()));
  zip_stat_t known;
  zip_stat_init(&known);
  zip_source_stat(memory.get(), &known);
  std::string bytes(known.size, '\0');
  const zip_int64_t read = zip_source_read(memory.get(), bytes.data(), bytes.size());
  zip_source_close(memory.get());
  if (read != static_cast<zip_int64_t>(bytes.size())) throw Error("the zip archive cannot be read back");
  return bytes;
}

}  // namespace n2s

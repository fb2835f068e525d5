// See tiff_file.h.
#include "data/formats/tiff_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

bool is_reduced(const TiffSource& source) {
  std::uint32_t kind = 0;
  return TIFFGetField(source.get(), TIFFTAG_SUBFILETYPE, &kind) == 1 && (kind & FILETYPE_REDUCEDIMAGE) != 0;
}

std::string text_of(const TiffSource& source, std::uint32_t tag) {
  const char* text = nullptr;
  return TIFFGetField(source.get(), tag, &text) == 1 && text != nullptr ? text : "";
}

std::vector<TiffDirectory> list_directories(const TiffSource& source, const InputFile& file) {
  std::vector<TiffDirectory> list;
  std::uint64_t decoded = 0;
  std::uint64_t stored = 0;
  do {
    TiffDirectory directory{TIFFCurrentDirOffset(source.get()), read_tiff_page(source, file), false, {}};
    directory.reduced = !list.empty() && is_reduced(source);
    std::string text = text_of(source, TIFFTAG_IMAGEDESCRIPTION);
    if (list.empty() || tells_shape(text)) directory.description = std::move(text);
    if (!directory.reduced) {
      const std::uint64_t bytes = tiff_page_bytes(file.name(), directory.page);
      const std::uint64_t in_file = tiff_stored_bytes(source, file);
      if (directory.page.compression == COMPRESSION_NONE && in_file < bytes && TIFFIsTiled(source.get()) == 0)
        fail_ends_early(file.name(), in_file, bytes, "a page");
      check_expansion(file.name(), in_file, bytes);
      decoded += bytes;
      stored += in_file;
    }
    list.push_back(std::move(directory));
  } while (TIFFReadDirectory(source.get()) == 1);
  if (source.has_message() || source.read_past_end()) source.fail();
  check_expansion(file.name(), std::min(stored, file.size()), decoded);
  if (TIFFSetDirectory(source.get(), 0) == 0) source.fail();
  return list;
}

}  // namespace

bool tells_shape(const std::string& description) {
  return description.starts_with('{') && description.find("\"shape\"") != std::string::npos;
}

TiffFile::TiffFile(const InputFile& file)
    : input_(&file), source_(file), directories_(list_directories(source_, file)) {}

TiffFile::TiffFile(std::unique_ptr<InputFile> file)
    : owned_(std::move(file)),
      input_(owned_.get()),
      source_(*input_),
      directories_(list_directories(source_, *input_)) {}

std::string TiffFile::text_tag(std::uint32_t tag) const {
  return text_of(source_, tag);
}

void TiffFile::decode(std::size_t directory, SampleType type, std::span<float> values) const {
  const TiffDirectory& wanted = directories_.at(directory);
  if (TIFFSetSubDirectory(source_.get(), wanted.offset) == 0) source_.fail();
  const TiffPage page = read_tiff_page(source_, *input_);  // again: it sets how colours are decoded
  if (!(page == wanted.page)) source_.fail();
  decode_tiff_page(source_, *input_, page, type, values);
}

std::uint64_t TiffFile::contiguous_start(std::size_t planes, const char* what) const {
  const TiffPage& page = directories_.front().page;
  const std::uint64_t bytes = tiff_page_bytes(name(), page);
  const std::uint64_t start = TIFFGetStrileOffset(source_.get(), 0);
  std::uint64_t end = start;
  bool in_one_piece = page.compression == COMPRESSION_NONE && page.samples == 1 && TIFFIsTiled(source_.get()) == 0;
  for (std::uint32_t i = 0; in_one_piece && i < TIFFNumberOfStrips(source_.get()); ++i) {
    in_one_piece = TIFFGetStrileOffset(source_.get(), i) == end;
    end += TIFFGetStrileByteCount(source_.get(), i);
  }
  if (!in_one_piece || end - start < bytes)
    throw Error(
        fmt::format("{}: {} with compressed or scattered planes, which cannot be read; save it as plain TIFF "
                    "(ImageJ: File > Save As > Tiff)",
                    name(), what));
  const std::uint64_t there = input_->size() - std::min(start, input_->size());
  // A plane that some program cut out of a stack without mending the description looks the same, and ImageJ cannot open
  // it either: losing planes without a word would be worse.
  if (there / bytes < planes) fail_ends_early(name(), there, planes * bytes, "planes");
  return start;
}

void TiffFile::decode_contiguous(std::uint64_t start, std::size_t plane, SampleType type,
                                 std::span<float> values) const {
  const std::uint64_t bytes = tiff_page_bytes(name(), directories_.front().page);
  std::vector<std::byte> stored(bytes);
  const std::size_t got = input_->read_at(start + plane * bytes, stored);
  if (got < bytes) fail_ends_early(name(), got, bytes, "a plane");
  decode_samples(stored, type, TIFFIsByteSwapped(source_.get()) != 0, {}, values);
}

}  // namespace n2s

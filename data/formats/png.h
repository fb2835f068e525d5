// PNG through libpng: one plane, 8 or 16 bits, grey or colour; and pictures for reports.
// Format: https://www.w3.org/TR/png. libpng's manual: http://www.libpng.org/pub/png/libpng-1.2.5-manual.html.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "data/image.h"
#include "data/image_reader.h"
#include "data/image_writer.h"
#include "data/input_file.h"

namespace n2s {

bool is_png(const InputFile& file);

/// Axes Y X, or C Y X for colours that are not all grey (palettes are applied). Fewer than 8 bits become 8; alpha is
/// dropped; no gamma is applied. Throws Error: see read_image.
std::unique_ptr<ImageReader> open_png(std::shared_ptr<const InputFile> file, const ReadOptions& options);

/// uint8 or uint16, one plane, or one plane of three channels. Throws Error for all else.
std::unique_ptr<ImageWriter> create_png(const std::filesystem::path& path, Image header, const WriteOptions& options);

/// The file of a picture: 3 * width * height bytes, red green blue per pixel, rows from the top. Throws Error.
std::vector<std::byte> encode_png_rgb(int width, int height, std::span<const std::uint8_t> bytes);

/// The same of a grey picture: width * height bytes.
std::vector<std::byte> encode_png_grey(int width, int height, std::span<const std::uint8_t> bytes);

}  // namespace n2s

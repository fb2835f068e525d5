// Draws on a canvas. Letters come from stb_easy_font, which builds each glyph from axis-aligned rectangles.
#include "tools/pictures/canvas.h"

#include <algorithm>
#include <cmath>

#include "data/atomic_file.h"
#include "data/formats/png.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_easy_font.h>
#pragma GCC diagnostic pop

namespace n2s {
namespace {

/// stb_easy_font writes to its arguments' memory through a char*.
std::string mutable_copy(const std::string& text) {
  return text;
}

}  // namespace

Canvas::Canvas(int width, int height, Colour background)
    : width_(width), height_(height), pixels_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3) {
  rectangle(0, 0, width, height, background);
}

void Canvas::pixel(int x, int y, Colour colour) {
  if (x < 0 || y < 0 || x >= width_ || y >= height_) return;
  const std::size_t at =
      (static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x)) * 3;
  std::copy(colour.begin(), colour.end(), pixels_.begin() + static_cast<std::ptrdiff_t>(at));
}

void Canvas::rectangle(int x, int y, int width, int height, Colour colour) {
  for (int row = std::max(0, y); row < std::min(height_, y + height); ++row)
    for (int column = std::max(0, x); column < std::min(width_, x + width); ++column) pixel(column, row, colour);
}

void Canvas::line(double x0, double y0, double x1, double y1, Colour colour, int thickness) {
  const int steps = std::max(1, static_cast<int>(std::ceil(2 * std::max(std::abs(x1 - x0), std::abs(y1 - y0)))));
  for (int i = 0; i <= steps; ++i) {
    const double t = static_cast<double>(i) / steps;
    const int x = static_cast<int>(std::lround(x0 + t * (x1 - x0)));
    const int y = static_cast<int>(std::lround(y0 + t * (y1 - y0)));
    rectangle(x - thickness / 2, y - thickness / 2, thickness, thickness, colour);
  }
}

void Canvas::text(int x, int y, const std::string& text, Colour colour, int scale) {
  struct Vertex {
    float x, y, z;
    std::uint32_t colour;
  };
  std::vector<Vertex> vertices(text.size() * 80 + 16);
  std::string letters = mutable_copy(text);
  const int quads = stb_easy_font_print(0, 0, letters.data(), nullptr, vertices.data(),
                                        static_cast<int>(vertices.size() * sizeof(Vertex)));
  for (int q = 0; q < quads; ++q) {
    const Vertex& a = vertices[static_cast<std::size_t>(q) * 4];
    const Vertex& b = vertices[static_cast<std::size_t>(q) * 4 + 2];
    rectangle(x + static_cast<int>(a.x) * scale, y + static_cast<int>(a.y) * scale, static_cast<int>(b.x - a.x) * scale,
              static_cast<int>(b.y - a.y) * scale, colour);
  }
}

std::vector<std::byte> Canvas::png() const {
  return encode_png_rgb(width_, height_, pixels_);
}

void Canvas::save(const std::filesystem::path& path) const {
  write_file_atomically(path, png());
}

int text_width(const std::string& text, int scale) {
  std::string letters = mutable_copy(text);
  return stb_easy_font_width(letters.data()) * scale;
}

}  // namespace n2s

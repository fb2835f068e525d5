// A picture to draw on: rectangles, lines and text, saved as PNG.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace n2s {

using Colour = std::array<std::uint8_t, 3>;  // red, green, blue

class Canvas {
 public:
  Canvas(int width, int height, Colour background);

  int width() const { return width_; }
  int height() const { return height_; }

  /// What lies outside the picture is left out, in every function.
  void pixel(int x, int y, Colour colour);
  void rectangle(int x, int y, int width, int height, Colour colour);
  void line(double x0, double y0, double x1, double y1, Colour colour, int thickness = 1);
  /// `scale` is the size of a font pixel; (x, y) is the upper left corner.
  void text(int x, int y, const std::string& text, Colour colour, int scale = 2);

  /// As a PNG file.
  std::vector<std::byte> png() const;
  /// Replaces an existing file. Throws Error.
  void save(const std::filesystem::path& path) const;

 private:
  int width_, height_;
  std::vector<std::uint8_t> pixels_;
};

/// Width of a text in pixels; its height is about 7 * scale.
int text_width(const std::string& text, int scale = 2);

}  // namespace n2s

// One-dimensional complex Fourier transform of any length: KissFFT, and Bluestein's algorithm (1970) on top of it for
// lengths with a large prime factor, which KissFFT would transform in quadratic time.
#pragma once

#include <kissfft/kiss_fft.h>

#include <complex>
#include <cstdlib>
#include <memory>
#include <vector>

namespace n2s {

/// Not scaled in either direction. Calls on one plan may run at the same time, each with its own scratch.
class LineFft {
 public:
  using Complex = std::complex<float>;

  LineFft(int length, bool inverse);

  /// Values of scratch memory that run() needs.
  std::size_t scratch() const { return 2 * chirp_spectrum_.size(); }

  /// `in` and `out` hold `length` values each and must not overlap.
  void run(const Complex* in, Complex* out, Complex* scratch) const;

 private:
  struct Free {
    void operator()(kiss_fft_state* plan) const { std::free(plan); }  // NOLINT: KissFFT's own allocation
  };
  using Plan = std::unique_ptr<kiss_fft_state, Free>;

  static Plan make_plan(int length, bool inverse);
  static void kiss(const Plan& plan, const Complex* in, Complex* out);
  void prepare_chirp(int length, bool inverse);

  Plan plan_, plan_back_;                // back: Bluestein only
  std::vector<Complex> chirp_;           // exp(-+ i pi j^2 / length); empty: KissFFT alone
  std::vector<Complex> chirp_spectrum_;  // of its conjugate, continued to negative j; scaled by 1 / its length
};

}  // namespace n2s

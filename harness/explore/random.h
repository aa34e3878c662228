// SPDX-License-Identifier: MIT
//
// The only source of randomness in Pollux: splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
//
// Everything is integer arithmetic, so a seed means the same on every machine and compiler. The
// two skewed distributions replace log2(1 + f) by f; nobody can tell, and no libm is asked.
#pragma once

#include <bit>
#include <cstdint>

namespace pollux::explore {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }

  // Uniform below n; n >= 1.
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(((next() >> 32) * n) >> 32); }
  uint64_t below64(uint64_t n) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * n) >> 64);
  }

  // True once in n times.
  bool one_in(uint32_t n) { return below(n) == 0; }

  // True with this probability.
  bool chance(double probability) {
    return static_cast<double>(next() >> 11) * 0x1p-53 < probability;
  }

  // Geometric: failures before the first success, `mean` of them on average.
  uint32_t gap(uint32_t mean) {
    // -log2 of a uniform number in (0, 1], 16 fractional bits, times the mean and ln 2.
    uint64_t u = next() | 1;
    int zeros = std::countl_zero(u);
    uint64_t fraction = zeros == 63 ? 0 : (u << (zeros + 1)) >> 48;
    uint64_t log = (static_cast<uint64_t>(zeros + 1) << 16) - fraction;
    uint64_t scaled = (log * mean) >> 16;
    uint64_t result = (scaled * 45426) >> 16;
    return result < 0x7FFFFFFF ? static_cast<uint32_t>(result) : 0x7FFFFFFF;
  }

  // Its logarithm is uniform between those of `low` and `high`; 1 <= low <= high.
  uint32_t log_uniform(uint32_t low, uint32_t high) {
    uint64_t from = log2(low);
    uint64_t x = from + below64(log2(high) - from + 1);
    uint64_t whole = x >> 32, fraction = x & 0xFFFFFFFFu;
    return static_cast<uint32_t>((((1ull << 32) + fraction) << whole) >> 32);
  }

 private:
  static uint64_t log2(uint32_t value) {
    uint64_t whole = static_cast<uint64_t>(31 - std::countl_zero(value));
    uint64_t fraction = ((static_cast<uint64_t>(value) << 32) >> whole) & 0xFFFFFFFFu;
    return (whole << 32) | fraction;
  }

  uint64_t state_;
};

// Independent seeds from one: the k-th of `seed`.
inline uint64_t derive_seed(uint64_t seed, uint64_t k) {
  return Random(seed ^ (k * 0xD1B54A32D192ED03ull + 0x8BB84B93962EACC9ull)).next();
}

}  // namespace pollux::explore

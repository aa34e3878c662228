// SPDX-License-Identifier: MIT
// The only clock of the runtime: monotonic nanoseconds.
#pragma once

#include <chrono>
#include <cstdint>

namespace netpoll {

// Never 0, because 0 means "none" wherever an instant is stored.
inline int64_t nanotime() {
  const int64_t t = std::chrono::duration_cast<std::chrono::nanoseconds>(
                        std::chrono::steady_clock::now().time_since_epoch())
                        .count();
  return t > 0 ? t : 1;
}

// Instant + distance; the far end of the range instead of overflow.
inline int64_t saturating_add(int64_t t, int64_t d) {
  int64_t sum;
  return __builtin_add_overflow(t, d, &sum) ? (d > 0 ? INT64_MAX : INT64_MIN) : sum;
}

}  // namespace netpoll

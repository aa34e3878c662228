// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>

namespace netpoll {

// A user's deadline as poll_set_deadline takes it: nanoseconds from now; 0: none; < 0: passed.
inline int64_t from_now(std::chrono::steady_clock::time_point t) {
  using std::chrono::nanoseconds;
  if (t == std::chrono::steady_clock::time_point{}) return 0;
  const auto ns = [](auto d) { return std::chrono::duration_cast<nanoseconds>(d).count(); };
  int64_t d = 0;
  if (__builtin_sub_overflow(ns(t.time_since_epoch()),
                             ns(std::chrono::steady_clock::now().time_since_epoch()), &d)) {
    return INT64_MIN;
  }
  return d == 0 ? -1 : d;  // now, which is not "never"
}

}  // namespace netpoll

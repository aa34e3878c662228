// SPDX-License-Identifier: MIT
//
// What the clocks of the twin say, in terms of the run's time.
#pragma once

#include <time.h>

#include <cstdint>

#include "kernel/state.h"

namespace pollux::kernel {

inline constexpr int64_t kNsPerSecond = 1'000'000'000;
// At the start of a run the machine has been up for 1000 s, and it is 14 November 2023.
inline constexpr int64_t kMonotonicStart = 1'000 * kNsPerSecond;
inline constexpr int64_t kRealStart = 1'700'000'000 * kNsPerSecond;

// What `clock` showed when the run began; -1 for a clock that does not exist.
inline int64_t clock_start(clockid_t clock) {
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI:
      return kRealStart;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
      return kMonotonicStart;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
      return 0;
    default:
      return -1;
  }
}

// timespec64_valid.
inline bool valid(const timespec& time) {
  return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < kNsPerSecond;
}

// Saturates, as timespec64_to_ktime does.
inline int64_t to_ns(const timespec& time) {
  if (time.tv_sec >= INT64_MAX / kNsPerSecond) return INT64_MAX;
  return time.tv_sec * kNsPerSecond + time.tv_nsec;
}

inline timespec to_timespec(int64_t ns) {
  return {.tv_sec = ns / kNsPerSecond, .tv_nsec = ns % kNsPerSecond};
}

// The moment `wait` from now; kNever when that is beyond the end of time.
inline Time after(int64_t wait) { return wait >= kNever - now() ? kNever : now() + wait; }

// How much later than asked a timer fires: never early, but a busy machine may be late.
Time lateness();
// A deadline with its lateness.
inline Time late(Time deadline) {
  if (deadline == kNever) return deadline;
  Time by = lateness();
  return by >= kNever - deadline ? kNever : deadline + by;
}

}  // namespace pollux::kernel

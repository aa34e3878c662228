// SPDX-License-Identifier: MIT
//
// What the clocks of a run show. Each is the run's virtual time plus a constant.
#pragma once

#include <time.h>

#include "explore/timeline.h"

namespace pollux::explore {

inline constexpr Time kSecond = 1'000'000'000;

// CLOCK_MONOTONIC when a run begins: not 0, since programs treat 0 as "never".
inline constexpr Time kMonotonicBase = 1'000 * kSecond;
// CLOCK_REALTIME when a run begins: 2023-11-14T22:13:20Z.
inline constexpr Time kRealtimeBase = 1'700'000'000 * kSecond;

constexpr Time clock_base(clockid_t clock) {
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
    case CLOCK_REALTIME_ALARM:
      return kRealtimeBase;
    default:
      return kMonotonicBase;
  }
}

// clock_nanosleep(2), futex(2) and pthread_mutex_timedlock(3) answer EINVAL to anything else.
constexpr bool is_valid(const timespec& t) {
  return t.tv_sec >= 0 && t.tv_nsec >= 0 && t.tv_nsec < kSecond;
}

constexpr Time duration_of(const timespec& t) {
  constexpr time_t kMost = kNever / kSecond - 1;
  return t.tv_sec > kMost ? kNever : t.tv_sec * kSecond + t.tv_nsec;
}

// `after` later, or never.
constexpr Time saturating_add(Time now, Time after) {
  return after > kNever - now ? kNever : now + after;
}

// The moment of the run at which `clock` shows `t`; in the past for what is over.
constexpr Time moment_of(clockid_t clock, const timespec& t) {
  Time absolute = duration_of(t);
  return absolute == kNever ? kNever : absolute - clock_base(clock);
}

constexpr timespec to_timespec(Time t) {
  return {static_cast<time_t>(t / kSecond), static_cast<long>(t % kSecond)};
}

}  // namespace pollux::explore

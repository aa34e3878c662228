// SPDX-License-Identifier: MIT
#include <sys/time.h>
#include <time.h>

#include <cerrno>

#include "kernel/calls.h"
#include "kernel/clocks.h"
#include "kernel/signals.h"

namespace pollux::kernel {
namespace {

// One tick of the coarse clocks (CONFIG_HZ=250).
constexpr Time kTick = 4'000'000;
constexpr Time kLateness[8] = {0,       20'000,    60'000,    200'000,
                               600'000, 2'000'000, 5'000'000, 10'000'000};

bool is_cpu_clock(clockid_t clock) {
  return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}
bool is_coarse(clockid_t clock) {
  return clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
}
bool exists(clockid_t clock) {
  return clock >= CLOCK_REALTIME && clock <= CLOCK_TAI && clock != 10;
}

Time read_clock(clockid_t clock) {
  if (is_cpu_clock(clock)) return now();
  Time value = explore::clock_base(clock) + now();
  return is_coarse(clock) ? value - value % kTick : value;
}

// Sleeps until `moment`; one that is over lets others go first. Never repeated after a handler
// (signal(7)).
long sleep_until(Time moment) {
  progress();
  if (moment <= now()) {
    explore::yield();
    return 0;
  }
  Time deadline = late(moment);
  while (now() < deadline && sleep_on(explore::Why::sleep, nullptr, deadline)) {
    if (explore::signal_pending()) return -EINTR;
  }
  return 0;
}

long sleep_for(Time wait, timespec* left) {
  Time end = after(wait);
  long result = sleep_until(end);
  if (result == 0 || left == nullptr) return result;
  if (bad_address(left)) return -EFAULT;
  *left = explore::to_timespec(end > now() ? end - now() : 0);
  return result;
}

}  // namespace

Time lateness() { return kLateness[explore::choose(site::kTimerLate, 8)]; }

long call_clock_gettime(const Arguments& a) {
  auto* value = a.pointer<timespec>(1);
  if (!exists(a.integer(0))) return -EINVAL;
  if (bad_address(value)) return -EFAULT;
  *value = explore::to_timespec(read_clock(a.integer(0)));
  return 0;
}

long call_clock_getres(const Arguments& a) {
  auto* value = a.pointer<timespec>(1);
  if (!exists(a.integer(0))) return -EINVAL;
  if (value == nullptr) return 0;
  if (bad_address(value)) return -EFAULT;
  *value = {0, is_coarse(a.integer(0)) ? kTick : 1};
  return 0;
}

long call_gettimeofday(const Arguments& a) {
  if (auto* value = a.pointer<timeval>(0)) {
    Time time = read_clock(CLOCK_REALTIME);
    *value = {time / explore::kSecond, time % explore::kSecond / 1000};
  }
  return 0;
}

long call_time(const Arguments& a) {
  time_t seconds = read_clock(CLOCK_REALTIME) / explore::kSecond;
  if (auto* value = a.pointer<time_t>(0)) *value = seconds;
  return seconds;
}

long call_nanosleep(const Arguments& a) {
  const auto* wait = a.pointer<const timespec>(0);
  if (bad_address(wait)) return -EFAULT;
  if (!explore::is_valid(*wait)) return -EINVAL;
  return sleep_for(explore::duration_of(*wait), a.pointer<timespec>(1));
}

long call_clock_nanosleep(const Arguments& a) {
  clockid_t clock = a.integer(0);
  const auto* wait = a.pointer<const timespec>(2);
  if (!exists(clock)) return -EINVAL;
  if (clock == CLOCK_THREAD_CPUTIME_ID) return -EINVAL;
  if (is_coarse(clock) || clock == CLOCK_MONOTONIC_RAW) return -EOPNOTSUPP;
  if (bad_address(wait)) return -EFAULT;
  if (!explore::is_valid(*wait)) return -EINVAL;
  if (clock == CLOCK_PROCESS_CPUTIME_ID) unmodelled("clock_nanosleep on a CPU clock");
  if ((a.integer(1) & TIMER_ABSTIME) != 0) return sleep_until(explore::moment_of(clock, *wait));
  return sleep_for(explore::duration_of(*wait), a.pointer<timespec>(3));
}

}  // namespace pollux::kernel

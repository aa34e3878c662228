// SPDX-License-Identifier: MIT
//
// Entry points that tell the time or let it pass.
//
// Outside of a run a clock is read through libc's own definition, which uses the vDSO: a system
// call would cost ten times as much.
#include <sched.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "shim/entry.h"

using namespace pollux::shim;

// Where a whole process is one run (`pollux exec`), what happens before the run begins and while
// the harness works must not see the real time either: allocators decide by it when to give pages
// back. True: it has answered. Not there in other programs.
extern "C" __attribute__((weak, visibility("hidden"))) bool pollux_clock_outside(clockid_t clock,
                                                                                 timespec* now);

static bool answered_outside(clockid_t clock, timespec* now) {
  return pollux_clock_outside != nullptr && pollux_clock_outside(clock, now);
}

static long read_clock(clockid_t clock, timespec* now) {
  if (!in_run() && answered_outside(clock, now)) return 0;
  return call(SYS_clock_gettime, clock, now);
}

POLLUX_ENTRY int clock_gettime(clockid_t clock, timespec* now) noexcept {
  if (!in_run()) {
    if (answered_outside(clock, now)) return 0;
    if (auto* real = POLLUX_NEXT(clock_gettime)) return real(clock, now);
  }
  return result(call(SYS_clock_gettime, clock, now));
}

POLLUX_ENTRY int clock_getres(clockid_t clock, timespec* resolution) noexcept {
  return result(call(SYS_clock_getres, clock, resolution));
}

POLLUX_ENTRY int gettimeofday(timeval* now, void* zone) noexcept {
  if (!in_run()) {
    timespec frozen;
    if (answered_outside(CLOCK_REALTIME, &frozen)) {
      *now = {frozen.tv_sec, frozen.tv_nsec / 1000};
      return 0;
    }
    if (auto* real = POLLUX_NEXT(gettimeofday)) return real(now, zone);
  }
  return result(call(SYS_gettimeofday, now, zone));
}

POLLUX_ENTRY time_t time(time_t* out) noexcept {
  timespec now = {};
  if (!in_run() && pollux_clock_outside == nullptr) {
    if (auto* real = POLLUX_NEXT(time)) return real(out);
  }
  read_clock(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

POLLUX_ENTRY int timespec_get(timespec* now, int base) noexcept {
  return base == TIME_UTC && read_clock(CLOCK_REALTIME, now) == 0 ? base : 0;
}

POLLUX_ENTRY clock_t clock() noexcept {
  timespec used = {};
  read_clock(CLOCK_PROCESS_CPUTIME_ID, &used);
  return used.tv_sec * CLOCKS_PER_SEC + used.tv_nsec / (1'000'000'000 / CLOCKS_PER_SEC);
}

// --- Sleeping. Each reduces to clock_nanosleep, as in libc.

POLLUX_ENTRY int clock_nanosleep(clockid_t clock, int flags, const timespec* until,
                                 timespec* left) {
  // Returns the error itself and leaves errno alone (clock_nanosleep(2)). The caller's own CPU
  // clock is refused there as well: nobody could run it forward.
  if (clock == CLOCK_THREAD_CPUTIME_ID) return EINVAL;
  return static_cast<int>(-call(SYS_clock_nanosleep, clock, flags, until, left));
}

static long sleep_for(const timespec* duration, timespec* left) {
  return call(SYS_clock_nanosleep, CLOCK_REALTIME, 0, duration, left);
}

POLLUX_ENTRY int nanosleep(const timespec* duration, timespec* left) {
  return result(sleep_for(duration, left));
}
POLLUX_ENTRY int __nanosleep(const timespec*, timespec*) __attribute__((alias("nanosleep")));

POLLUX_ENTRY int usleep(useconds_t microseconds) {
  timespec duration = {microseconds / 1'000'000, microseconds % 1'000'000 * 1000L};
  return result(sleep_for(&duration, nullptr));
}

POLLUX_ENTRY unsigned sleep(unsigned seconds) {
  timespec left = {seconds, 0};
  // What is left when a signal came; not rounded up (libc does not either).
  return sleep_for(&left, &left) < 0 ? static_cast<unsigned>(left.tv_sec) : 0;
}

// --- Giving way

POLLUX_ENTRY int sched_yield() noexcept { return result(call(SYS_sched_yield)); }

POLLUX_ENTRY pid_t gettid() noexcept { return result(call(SYS_gettid)); }

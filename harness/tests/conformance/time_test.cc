// SPDX-License-Identifier: MIT
//
// Clocks and sleeps: what is never early, and what never goes back.
// clock_gettime(2), clock_nanosleep(2), nanosleep(2), time(7).
#include <sys/time.h>
#include <time.h>

#include <chrono>
#include <thread>

#include "toolbox.h"

namespace conformance {
namespace {

constexpr int64_t kMillisecond = 1'000'000;

CONFORMANCE(Time, ClocksDoNotGoBack) {
  bool steady = true;
  int64_t last = now_ns(CLOCK_MONOTONIC);
  for (int i = 0; i < 1000; i++) {
    int64_t now = now_ns(CLOCK_MONOTONIC);
    if (now < last) steady = false;
    last = now;
  }
  FACT(steady, Holds());
}

CONFORMANCE(Time, KnownAndUnknownClocks) {
  timespec now;
  FACT(clock_gettime(CLOCK_REALTIME, &now), Succeeds(0));
  FACT(clock_gettime(CLOCK_MONOTONIC, &now), Succeeds(0));
  FACT(clock_gettime(CLOCK_BOOTTIME, &now), Succeeds(0));
  FACT(clock_gettime(CLOCK_MONOTONIC_RAW, &now), Succeeds(0));
  FACT(clock_gettime(CLOCK_MONOTONIC_COARSE, &now), Succeeds(0));
  FACT(clock_gettime(CLOCK_REALTIME_COARSE, &now), Succeeds(0));
  FACT(clock_gettime(12345, &now), FailsWith(EINVAL));
  FACT(clock_getres(CLOCK_MONOTONIC, &now), Succeeds(0));
}

CONFORMANCE(Time, RealTimeByEveryName) {
  int64_t clock = now_ns(CLOCK_REALTIME);
  timeval day{};
  FACT(gettimeofday(&day, nullptr), Succeeds(0));
  FACT(day.tv_sec - clock / 1'000'000'000 <= 1 && day.tv_sec >= clock / 1'000'000'000, Holds());
  time_t seconds = time(nullptr);
  FACT(seconds - day.tv_sec <= 1 && seconds >= day.tv_sec - 1, Holds());
  FACT(clock > 1'500'000'000LL * 1'000'000'000, Holds());
}

CONFORMANCE(Time, SleepIsNeverEarly) {
  for (int64_t length : {int64_t{1}, 500'000 + kMillisecond, 15 * kMillisecond}) {
    int64_t before = now_ns(CLOCK_MONOTONIC);
    timespec span{0, length};
    FACT(nanosleep(&span, nullptr), Succeeds(0));
    FACT(now_ns(CLOCK_MONOTONIC) - before >= length, Holds());
  }
}

CONFORMANCE(Time, ClockSleep) {
  int64_t before = now_ns(CLOCK_MONOTONIC);
  timespec span{0, 5 * kMillisecond};
  FACT(clock_nanosleep(CLOCK_MONOTONIC, 0, &span, nullptr), Succeeds(0));
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 5 * kMillisecond, Holds());
}

CONFORMANCE(Time, SleepUntil) {
  int64_t due = now_ns(CLOCK_MONOTONIC) + 8 * kMillisecond;
  timespec moment{due / 1'000'000'000, due % 1'000'000'000};
  FACT(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, nullptr), Succeeds(0));
  FACT(now_ns(CLOCK_MONOTONIC) >= due, Holds());
  int64_t before = now_ns(CLOCK_MONOTONIC);
  FACT(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, nullptr), Succeeds(0));
  FACT(now_ns(CLOCK_MONOTONIC) - before < 1000 * kMillisecond, Holds());
}

CONFORMANCE(Time, SleepUntilRealTime) {
  int64_t due = now_ns(CLOCK_REALTIME) + 8 * kMillisecond;
  timespec moment{due / 1'000'000'000, due % 1'000'000'000};
  FACT(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &moment, nullptr), Succeeds(0));
  FACT(now_ns(CLOCK_REALTIME) >= due, Holds());
}

CONFORMANCE(Time, BadSpans) {
  timespec span{0, 1'000'000'000};
  FACT(nanosleep(&span, nullptr), FailsWith(EINVAL));
  span = {0, -1};
  FACT(nanosleep(&span, nullptr), FailsWith(EINVAL));
  span = {-1, 0};
  FACT(nanosleep(&span, nullptr), FailsWith(EINVAL));
  // clock_nanosleep returns the error instead of setting errno.
  span = {0, 1'000'000'000};
  FACT(ErrorCode{clock_nanosleep(CLOCK_MONOTONIC, 0, &span, nullptr)}, Error(EINVAL));
  span = {0, 1};
  FACT(ErrorCode{clock_nanosleep(12345, 0, &span, nullptr)}, Error(EINVAL));
}

CONFORMANCE(Time, MicrosecondSleep) {
  int64_t before = now_ns(CLOCK_MONOTONIC);
  FACT(usleep(2000), Succeeds(0));
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 2 * kMillisecond, Holds());
}

CONFORMANCE(Time, LanguageClocks) {
  auto before = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(7));
  auto span = std::chrono::steady_clock::now() - before;
  FACT(span >= std::chrono::milliseconds(7), Holds());
  FACT(std::chrono::system_clock::now().time_since_epoch() > std::chrono::hours(24), Holds());
}

CONFORMANCE(Time, SleepersWakeInOrder) {
  int64_t woke[2] = {};
  std::thread late([&] {
    sleep_ms(60);
    woke[1] = now_ns(CLOCK_MONOTONIC);
  });
  std::thread early([&] {
    sleep_ms(5);
    woke[0] = now_ns(CLOCK_MONOTONIC);
  });
  late.join();
  early.join();
  FACT(woke[1] - woke[0] > 0, Holds());
}

CONFORMANCE(Time, PreciseEpollTimeout) {
  Epoll epoll;
  epoll_event event{};
  timespec timeout{0, 3 * kMillisecond};
  int64_t before = now_ns(CLOCK_MONOTONIC);
  FACT(epoll_pwait2(epoll, &event, 1, &timeout, nullptr), Succeeds(0));
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 3 * kMillisecond, Holds());
  timeout = {0, 1'000'000'000};
  FACT(epoll_pwait2(epoll, &event, 1, &timeout, nullptr), FailsWith(EINVAL));
}

}  // namespace
}  // namespace conformance

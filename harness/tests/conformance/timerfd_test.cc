// SPDX-License-Identifier: MIT
//
// timerfd_create(2), timerfd_settime(2); in the kernel timerfd_read_iter, timerfd_setup,
// timerfd_tmrproc.
#include <sys/timerfd.h>
#include <time.h>

#include "toolbox.h"

namespace conformance {
namespace {

constexpr long kMillisecond = 1'000'000;

Fd timer_fd(clockid_t clock = CLOCK_MONOTONIC, int flags = TFD_NONBLOCK) {
  return Fd(static_cast<int>(must(timerfd_create(clock, flags), "timerfd_create")));
}

timespec spec(int64_t ns) { return {ns / 1'000'000'000, ns % 1'000'000'000}; }

int arm(int fd, int64_t value_ns, int64_t interval_ns = 0, int flags = 0) {
  itimerspec setting{spec(interval_ns), spec(value_ns)};
  return timerfd_settime(fd, flags, &setting, nullptr);
}

int arm_raw(int fd, timespec value, timespec interval = {0, 0}) {
  itimerspec setting{interval, value};
  return timerfd_settime(fd, 0, &setting, nullptr);
}

itimerspec setting_of(int fd) {
  itimerspec setting{};
  must(timerfd_gettime(fd, &setting), "timerfd_gettime");
  return setting;
}

bool armed(int fd) {
  itimerspec setting = setting_of(fd);
  return setting.it_value.tv_sec != 0 || setting.it_value.tv_nsec != 0;
}

CONFORMANCE(TimerFd, Creation) {
  Fd plain = timer_fd(CLOCK_MONOTONIC, 0),
     with = timer_fd(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  FACT(fcntl(plain, F_GETFL), Succeeds(O_RDWR));
  FACT(fcntl(with, F_GETFL), Succeeds(O_RDWR | O_NONBLOCK));
  FACT(fcntl(with, F_GETFD), Succeeds(FD_CLOEXEC));
  FACT(timerfd_create(CLOCK_MONOTONIC, 1), FailsWith(EINVAL));
  FACT(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), FailsWith(EINVAL));
  FACT(timerfd_create(12345, 0), FailsWith(EINVAL));
}

CONFORMANCE(TimerFd, Disarmed) {
  Fd timer = timer_fd();
  FACT(ready(timer), Mask("0"));
  FACT(take_from(timer), FailsWith(EAGAIN));
  FACT(!armed(timer), Holds());
}

CONFORMANCE(TimerFd, ExpiresOnce) {
  Fd timer = timer_fd();
  int64_t before = now_ns(CLOCK_MONOTONIC);
  FACT(arm(timer, 20 * kMillisecond), Succeeds(0));
  FACT(armed(timer), Holds());
  FACT(becomes(timer, POLLIN), Holds());
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 20 * kMillisecond, Holds());
  FACT(ready(timer), Mask("IN"));
  FACT(take_from(timer), Succeeds(1));
  FACT(ready(timer), Mask("0"));
  FACT(take_from(timer), FailsWith(EAGAIN));
  FACT(!armed(timer), Holds());
}

CONFORMANCE(TimerFd, BlockingRead) {
  Fd timer = timer_fd(CLOCK_MONOTONIC, 0);
  int64_t before = now_ns(CLOCK_MONOTONIC);
  arm(timer, 20 * kMillisecond);
  FACT(take_from(timer), Succeeds(1));
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 20 * kMillisecond, Holds());
}

CONFORMANCE(TimerFd, PeriodsAddUp) {
  Fd timer = timer_fd();
  arm(timer, 10 * kMillisecond, 10 * kMillisecond);
  sleep_ms(45);
  FACT(take_from(timer) >= 4, Holds());
  itimerspec setting = setting_of(timer);
  FACT(setting.it_interval.tv_nsec, Succeeds(10 * kMillisecond));
  FACT(setting.it_value.tv_nsec <= 10 * kMillisecond, Holds());
}

CONFORMANCE(TimerFd, IntervalAloneDoesNotArm) {
  Fd timer = timer_fd();
  FACT(arm(timer, 0, kMillisecond), Succeeds(0));
  settle();
  FACT(ready(timer), Mask("0"));
  FACT(!armed(timer), Holds());
}

CONFORMANCE(TimerFd, SetTimeDropsWhatWasPending) {
  Fd timer = timer_fd();
  arm(timer, kMillisecond);
  settle();
  FACT(ready(timer), Mask("IN"));
  FACT(arm(timer, 3'600'000 * kMillisecond), Succeeds(0));
  FACT(ready(timer), Mask("0"));
  FACT(take_from(timer), FailsWith(EAGAIN));
}

CONFORMANCE(TimerFd, DisarmDropsWhatWasPending) {
  Fd timer = timer_fd();
  arm(timer, kMillisecond, kMillisecond);
  settle();
  FACT(ready(timer), Mask("IN"));
  FACT(arm(timer, 0), Succeeds(0));
  FACT(ready(timer), Mask("0"));
  settle();
  FACT(take_from(timer), FailsWith(EAGAIN));
}

CONFORMANCE(TimerFd, OldSetting) {
  Fd timer = timer_fd();
  arm(timer, 3'600'000 * kMillisecond, 5 * kMillisecond);
  itimerspec next{}, old{};
  FACT(timerfd_settime(timer, 0, &next, &old), Succeeds(0));
  FACT(old.it_interval.tv_nsec, Succeeds(5 * kMillisecond));
  FACT(old.it_value.tv_sec > 3590 && old.it_value.tv_sec <= 3600, Holds());
  FACT(timerfd_settime(timer, 0, &next, &old), Succeeds(0));
  FACT(old.it_value.tv_sec, Succeeds(0));
  FACT(old.it_interval.tv_nsec, Succeeds(0));
}

CONFORMANCE(TimerFd, AbsoluteTime) {
  Fd timer = timer_fd();
  int64_t due = now_ns(CLOCK_MONOTONIC) + 20 * kMillisecond;
  FACT(arm(timer, due, 0, TFD_TIMER_ABSTIME), Succeeds(0));
  FACT(becomes(timer, POLLIN), Holds());
  FACT(now_ns(CLOCK_MONOTONIC) >= due, Holds());
  FACT(take_from(timer), Succeeds(1));
  FACT(arm(timer, 1, 0, TFD_TIMER_ABSTIME), Succeeds(0));
  FACT(becomes(timer, POLLIN), Holds());
}

CONFORMANCE(TimerFd, RealTime) {
  Fd timer = timer_fd(CLOCK_REALTIME);
  int64_t due = now_ns(CLOCK_REALTIME) + 20 * kMillisecond;
  FACT(arm(timer, due, 0, TFD_TIMER_ABSTIME), Succeeds(0));
  FACT(becomes(timer, POLLIN), Holds());
  FACT(take_from(timer), Succeeds(1));
}

CONFORMANCE(TimerFd, BadValues) {
  Fd timer = timer_fd();
  FACT(arm_raw(timer, {0, 1'000'000'000}), FailsWith(EINVAL));
  FACT(arm_raw(timer, {0, -1}), FailsWith(EINVAL));
  FACT(arm_raw(timer, {-1, 0}), FailsWith(EINVAL));
  FACT(arm_raw(timer, {1, 0}, {0, 1'000'000'000}), FailsWith(EINVAL));
  FACT(arm(timer, kMillisecond, 0, 1 << 10), FailsWith(EINVAL));
  FACT(arm(-1, kMillisecond), FailsWith(EBADF));
  Fd counter = event_fd();
  FACT(arm(counter, kMillisecond), FailsWith(EINVAL));
  itimerspec setting;
  FACT(timerfd_gettime(counter, &setting), FailsWith(EINVAL));
  FACT(timerfd_gettime(-1, &setting), FailsWith(EBADF));
}

CONFORMANCE(TimerFd, ReadAndWriteSizes) {
  Fd timer = timer_fd();
  char bytes[16] = {};
  FACT(read(timer, bytes, 7), FailsWith(EINVAL));
  FACT(write(timer, bytes, 8), FailsWith(EINVAL));
  arm(timer, kMillisecond);
  settle();
  FACT(read(timer, bytes, 16), Succeeds(8));
}

CONFORMANCE(TimerFd, PeriodIsOneEdgeUntilRead) {
  // timerfd_tmrproc does not restart the timer; reading does.
  Fd timer = timer_fd();
  Epoll epoll;
  epoll.add(timer, EPOLLIN | EPOLLET);
  arm(timer, kMillisecond, kMillisecond);
  settle();
  FACT(epoll.wait(), Events("IN"));
  settle();
  FACT(epoll.wait(), NoEvents());
  FACT(take_from(timer) > 1, Holds());
  settle();
  FACT(epoll.wait(), Events("IN"));
}

CONFORMANCE(TimerFd, OneShotArmedAgainWithoutReading) {
  Fd timer = timer_fd();
  Epoll epoll;
  epoll.add(timer, EPOLLIN | EPOLLET);
  for (int i = 0; i < 3; i++) {
    arm(timer, kMillisecond);
    settle();
    FACT(epoll.wait(), Events("IN"));
    FACT(epoll.wait(), NoEvents());
  }
}

CONFORMANCE(TimerFd, LevelUntilRead) {
  Fd timer = timer_fd();
  Epoll epoll;
  epoll.add(timer, EPOLLIN);
  arm(timer, kMillisecond);
  FACT(epoll.wait(10'000), Events("IN"));
  FACT(epoll.wait(), Events("IN"));
  FACT(take_from(timer), Succeeds(1));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(TimerFd, DisarmedBeforeTheHarvest) {
  Fd timer = timer_fd();
  Epoll epoll;
  epoll.add(timer, EPOLLIN | EPOLLET);
  arm(timer, kMillisecond);
  settle();
  arm(timer, 0);
  FACT(epoll.wait(), NoEvents());
}

}  // namespace
}  // namespace conformance

// SPDX-License-Identifier: MIT
//
// timer_create(2), timer_settime(2), timer_getoverrun(2): timers that send signals.
#include <sys/syscall.h>
#include <unistd.h>

#include "signal_toolbox.h"

namespace conformance {
namespace {

constexpr int64_t kMillisecond = 1'000'000;

timespec ms(long count) { return {count / 1000, count % 1000 * 1'000'000}; }
itimerspec every(long first_ms, long then_ms) { return {ms(then_ms), ms(first_ms)}; }
int64_t ns_of(const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; }

// Deleted with its scope.
class Timer {
 public:
  explicit Timer(sigevent* event, clockid_t clock = CLOCK_MONOTONIC) {
    result_ = timer_create(clock, event, &id);
  }
  ~Timer() {
    if (result_ == 0) timer_delete(id);
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  bool made() const { return result_ == 0; }
  timer_t id;

 private:
  int result_;
};

sigevent event_of(int notify, int signal, int value = 0) {
  sigevent event{};
  event.sigev_notify = notify;
  event.sigev_signo = signal;
  event.sigev_value.sival_int = value;
  return event;
}

CONFORMANCE(PosixTimer, FiresOnceAndTellsWhat) {
  Handler handler(SIGUSR2, SA_SIGINFO);
  sigevent event = event_of(SIGEV_SIGNAL, SIGUSR2, 41);
  Timer timer(&event);
  FACT(timer.made(), Holds());
  itimerspec soon = every(10, 0), left{};
  const int64_t before = now_ns(CLOCK_MONOTONIC);
  FACT(timer_settime(timer.id, 0, &soon, nullptr), Succeeds(0));
  FACT(pause(), FailsWith(EINTR));
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 10 * kMillisecond, Holds());
  FACT(caught.info.si_code == SI_TIMER && caught.info.si_value.sival_int == 41, Holds());
  FACT(caught.info.si_overrun, Succeeds(0));
  FACT(timer_gettime(timer.id, &left), Succeeds(0));
  FACT(ns_of(left.it_value) == 0, Holds());
  sleep_ms(30);
  FACT(caught.count, Succeeds(1));
}

CONFORMANCE(PosixTimer, WithoutAnEventItIsSigalrm) {
  Handler handler(SIGALRM, SA_SIGINFO);
  Timer timer(nullptr);
  itimerspec soon = every(5, 0);
  timer_settime(timer.id, 0, &soon, nullptr);
  FACT(pause(), FailsWith(EINTR));
  FACT(caught.info.si_signo, Succeeds(SIGALRM));
  FACT(caught.info.si_code == SI_TIMER, Holds());
}

CONFORMANCE(PosixTimer, WhatPassedIsTheOverrun) {
  sigevent event = event_of(SIGEV_SIGNAL, SIGRTMIN + 3);
  Handler handler(SIGRTMIN + 3, SA_SIGINFO);
  Timer timer(&event);
  itimerspec often = every(10, 10), none{}, left{};
  {
    Blocked blocked{SIGRTMIN + 3};
    FACT(timer_settime(timer.id, 0, &often, nullptr), Succeeds(0));
    sleep_ms(55);
    FACT(is_pending(SIGRTMIN + 3), Holds());
  }
  FACT(caught.count, Succeeds(1));
  FACT(caught.info.si_overrun >= 4, Holds());
  FACT(timer_getoverrun(timer.id), Succeeds(caught.info.si_overrun));
  FACT(timer_gettime(timer.id, &left), Succeeds(0));
  FACT(ns_of(left.it_value) > 0 && ns_of(left.it_value) <= 10 * kMillisecond, Holds());
  FACT(ns_of(left.it_interval) == 10 * kMillisecond, Holds());
  FACT(pause(), FailsWith(EINTR));
  FACT(caught.count, Succeeds(2));
  FACT(timer_settime(timer.id, 0, &none, &left), Succeeds(0));
  FACT(ns_of(left.it_interval) == 10 * kMillisecond, Holds());
}

CONFORMANCE(PosixTimer, ItsSignalIsQueuedBesideAnother) {
  sigevent event = event_of(SIGEV_SIGNAL, SIGUSR2);
  Handler handler(SIGUSR2, SA_SIGINFO);
  Timer timer(&event);
  itimerspec soon = every(5, 0);
  {
    Blocked blocked{SIGUSR2};
    raise(SIGUSR2);
    raise(SIGUSR2);
    timer_settime(timer.id, 0, &soon, nullptr);
    sleep_ms(20);
  }
  FACT(caught.count, Succeeds(2));
}

CONFORMANCE(PosixTimer, AtAMomentAndAtOneThatHasPassed) {
  sigevent event = event_of(SIGEV_SIGNAL, SIGUSR2);
  Handler handler(SIGUSR2);
  Timer timer(&event, CLOCK_REALTIME);
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  itimerspec then{{}, {now.tv_sec + 1, now.tv_nsec}}, past{{}, {1, 0}}, left{};
  FACT(timer_settime(timer.id, TIMER_ABSTIME, &then, nullptr), Succeeds(0));
  timer_gettime(timer.id, &left);
  FACT(ns_of(left.it_value) > 900 * kMillisecond && ns_of(left.it_value) <= 1000 * kMillisecond,
       Holds());
  FACT(timer_settime(timer.id, TIMER_ABSTIME, &past, nullptr), Succeeds(0));
  sleep_ms(10);
  FACT(caught.count, Succeeds(1));
}

CONFORMANCE(PosixTimer, ToAThreadOrToNobody) {
  sigevent event = event_of(SIGEV_THREAD_ID, SIGUSR2);
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  Handler handler(SIGUSR2);
  Timer timer(&event);
  FACT(timer.made(), Holds());
  itimerspec soon = every(5, 0), periodic = every(5, 20), left{};
  timer_settime(timer.id, 0, &soon, nullptr);
  FACT(pause(), FailsWith(EINTR));
  FACT(pthread_equal(caught.thread, pthread_self()) != 0, Holds());

  sigevent nothing = event_of(SIGEV_NONE, 0);
  Timer silent(&nothing);
  FACT(silent.made(), Holds());
  timer_settime(silent.id, 0, &periodic, nullptr);
  sleep_ms(30);
  timer_gettime(silent.id, &left);
  FACT(ns_of(left.it_value) > 0 && ns_of(left.it_value) <= 20 * kMillisecond, Holds());
  timer_settime(silent.id, 0, &soon, nullptr);
  sleep_ms(10);
  timer_gettime(silent.id, &left);
  FACT(ns_of(left.it_value) == 0, Holds());
}

CONFORMANCE(PosixTimer, WhatIsWrong) {
  timer_t id;
  sigevent event = event_of(SIGEV_SIGNAL, 0), odd = event_of(99, SIGUSR1);
  FACT(timer_create(CLOCK_MONOTONIC, &event, &id), FailsWith(EINVAL));
  FACT(timer_create(CLOCK_MONOTONIC, &odd, &id), FailsWith(EINVAL));
  FACT(timer_create(12345, nullptr, &id), FailsWith(EINVAL));
  FACT(timer_create(CLOCK_MONOTONIC_RAW, nullptr, &id), FailsWith(EOPNOTSUPP));
  itimerspec soon = every(5, 0), bad{{}, {0, 1'000'000'000}};
  Timer timer(nullptr);
  FACT(timer_settime(timer.id, 0, &bad, nullptr), FailsWith(EINVAL));
  FACT(timer_create(CLOCK_MONOTONIC, nullptr, &id), Succeeds(0));
  FACT(timer_delete(id), Succeeds(0));
  FACT(timer_delete(id), FailsWith(EINVAL));
  FACT(timer_settime(id, 0, &soon, nullptr), FailsWith(EINVAL));
  FACT(timer_gettime(id, &soon), FailsWith(EINVAL));
  FACT(timer_getoverrun(id), FailsWith(EINVAL));
}

}  // namespace
}  // namespace conformance

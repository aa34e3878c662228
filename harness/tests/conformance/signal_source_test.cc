// SPDX-License-Identifier: MIT
//
// Where signals come from other than kill, and where they go other than to handlers: timers, broken
// pipes, signalfd. setitimer(2), alarm(2), pipe(7), signalfd(2).
#include <sys/signalfd.h>
#include <sys/time.h>

#include "signal_toolbox.h"

namespace conformance {
namespace {

constexpr int64_t kMillisecond = 1'000'000;

itimerval every(long first_us, long then_us) {
  return {{then_us / 1'000'000, then_us % 1'000'000}, {first_us / 1'000'000, first_us % 1'000'000}};
}

class NoTimer {  // whatever happens, no SIGALRM outlives the test
 public:
  ~NoTimer() {
    itimerval off{};
    setitimer(ITIMER_REAL, &off, nullptr);
  }
};

CONFORMANCE(SignalTimer, FiresOnce) {
  Handler handler(SIGALRM, SA_SIGINFO);
  NoTimer off;
  itimerval soon = every(10'000, 0), now{};
  int64_t before = now_ns(CLOCK_MONOTONIC);
  FACT(setitimer(ITIMER_REAL, &soon, nullptr), Succeeds(0));
  FACT(pause(), FailsWith(EINTR));
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 10 * kMillisecond, Holds());
  FACT(caught.info.si_code == SI_KERNEL, Holds());
  FACT(getitimer(ITIMER_REAL, &now), Succeeds(0));
  FACT(now.it_value.tv_sec == 0 && now.it_value.tv_usec == 0, Holds());
  sleep_ms(30);
  FACT(caught.count, Succeeds(1));
}

CONFORMANCE(SignalTimer, FiresAgainAndAgain) {
  Handler handler(SIGALRM);
  NoTimer off;
  itimerval often = every(5'000, 10'000), now{};
  int64_t before = now_ns(CLOCK_MONOTONIC);
  FACT(setitimer(ITIMER_REAL, &often, nullptr), Succeeds(0));
  for (int i = 0; i < 4; i++) FACT(pause(), FailsWith(EINTR));
  FACT(caught.count, Succeeds(4));
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 35 * kMillisecond, Holds());
  FACT(getitimer(ITIMER_REAL, &now), Succeeds(0));
  FACT(now.it_interval.tv_usec, Succeeds(10'000));
  FACT(now.it_value.tv_usec > 0 && now.it_value.tv_usec <= 10'000, Holds());
}

CONFORMANCE(SignalTimer, TicksDoNotPileUp) {
  Handler handler(SIGALRM);
  NoTimer off;
  itimerval often = every(5'000, 5'000);
  {
    Blocked blocked{SIGALRM};
    setitimer(ITIMER_REAL, &often, nullptr);
    sleep_ms(32);
    FACT(is_pending(SIGALRM), Holds());
    itimerval none{};
    FACT(setitimer(ITIMER_REAL, &none, nullptr), Succeeds(0));
    FACT(is_pending(SIGALRM), Holds());
  }
  FACT(caught.count, Succeeds(1));
}

CONFORMANCE(SignalTimer, WhatIsLeft) {
  NoTimer off;
  itimerval later = every(5'400'000, 2'000'000), old{};
  FACT(setitimer(ITIMER_REAL, &later, nullptr), Succeeds(0));
  FACT(getitimer(ITIMER_REAL, &old), Succeeds(0));
  FACT(old.it_value.tv_sec, Succeeds(5));
  FACT(old.it_value.tv_usec <= 400'000 && old.it_value.tv_usec > 100'000, Holds());
  FACT(old.it_interval.tv_sec, Succeeds(2));
  itimerval none{};
  old = {};
  FACT(setitimer(ITIMER_REAL, &none, &old), Succeeds(0));
  FACT(old.it_value.tv_sec, Succeeds(5));
  FACT(getitimer(ITIMER_REAL, &old), Succeeds(0));
  FACT(old.it_value.tv_sec == 0 && old.it_value.tv_usec == 0, Holds());
}

CONFORMANCE(SignalTimer, Alarm) {
  NoTimer off;
  FACT(alarm(7), Succeeds(0));
  FACT(alarm(3), Succeeds(7));
  FACT(alarm(0), Succeeds(3));
  FACT(alarm(0), Succeeds(0));
  itimerval soon = every(300'000, 0);
  setitimer(ITIMER_REAL, &soon, nullptr);
  FACT(alarm(0), Succeeds(1));  // never 0 for a timer that runs
}

CONFORMANCE(SignalTimer, AlarmEndsAWait) {
  Handler handler(SIGALRM, SA_RESTART);
  NoTimer off;
  Epoll epoll;
  itimerval soon = every(10'000, 0);
  setitimer(ITIMER_REAL, &soon, nullptr);
  epoll_event event;
  FACT(epoll_wait(epoll, &event, 1, -1), FailsWith(EINTR));
  FACT(caught.count, Succeeds(1));
}

CONFORMANCE(SignalTimer, BadUse) {
  NoTimer off;
  itimerval bad = every(0, 0), old;
  bad.it_value.tv_usec = 1'000'000;
  FACT(setitimer(ITIMER_REAL, &bad, nullptr), FailsWith(EINVAL));
  bad = every(0, 0);
  bad.it_value.tv_sec = -1;
  FACT(setitimer(ITIMER_REAL, &bad, nullptr), FailsWith(EINVAL));
  bad = every(0, 0);
  FACT(setitimer(static_cast<__itimer_which>(3), &bad, nullptr), FailsWith(EINVAL));
  FACT(getitimer(static_cast<__itimer_which>(-1), &old), FailsWith(EINVAL));
}

CONFORMANCE(SignalPipe, ABrokenPipe) {
  Handler handler(SIGPIPE, SA_SIGINFO);
  Pipe pipe;
  pipe.reader.close();
  FACT(write(pipe.writer, "x", 1), FailsWith(EPIPE));
  FACT(caught.count, Succeeds(1));
  FACT(caught.info.si_pid == getpid(), Holds());
}

CONFORMANCE(SignalPipe, ASocketWithoutAPeer) {
  Handler handler(SIGPIPE);
  UnixPair pair;
  pair.b.close();
  FACT(write(pair.a, "x", 1), FailsWith(EPIPE));
  FACT(caught.count, Succeeds(1));
  FACT(send(pair.a, "x", 1, 0), FailsWith(EPIPE));
  FACT(caught.count, Succeeds(2));
  FACT(send(pair.a, "x", 1, MSG_NOSIGNAL), FailsWith(EPIPE));
  FACT(caught.count, Succeeds(2));
  TcpPair tcp;
  shutdown(tcp.client, SHUT_WR);
  FACT(send(tcp.client, "x", 1, 0), FailsWith(EPIPE));
  FACT(caught.count, Succeeds(3));
}

CONFORMANCE(SignalPipe, BlockedIsForTheThreadThatWrote) {
  Handler handler(SIGPIPE);
  Blocked blocked{SIGPIPE};
  Pipe pipe;
  pipe.reader.close();
  FACT(write(pipe.writer, "x", 1), FailsWith(EPIPE));
  FACT(caught.count, Succeeds(0));
  FACT(is_pending(SIGPIPE), Holds());
  bool seen = true;
  std::thread([&] { seen = is_pending(SIGPIPE); }).join();
  FACT(!seen, Holds());
  FACT(take_pending(SIGPIPE), Succeeds(SIGPIPE));
  FACT(!is_pending(SIGPIPE), Holds());
}

CONFORMANCE(SignalPipe, Ignored) {
  sighandler_t before = signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  pipe.reader.close();
  FACT(write(pipe.writer, "x", 1), FailsWith(EPIPE));
  FACT(!is_pending(SIGPIPE), Holds());
  signal(SIGPIPE, before);
}

// --- signalfd

Fd signal_fd(std::initializer_list<int> signals, int flags = SFD_NONBLOCK) {
  sigset_t set = set_of(signals);
  return Fd(static_cast<int>(must(signalfd(-1, &set, flags), "signalfd")));
}

CONFORMANCE(SignalFd, ReadsWhatIsPending) {
  Blocked blocked{SIGUSR1, SIGUSR2};
  Fd fd = signal_fd({SIGUSR1, SIGUSR2});
  signalfd_siginfo found[3] = {};
  FACT(read(fd, found, sizeof found), FailsWith(EAGAIN));
  FACT(ready(fd), Mask("0"));
  kill(getpid(), SIGUSR2);
  raise(SIGUSR1);
  FACT(ready(fd), Mask("IN"));
  FACT(read(fd, found, sizeof found), Succeeds(2 * sizeof found[0]));
  FACT(found[0].ssi_signo, Succeeds(SIGUSR1));
  FACT(found[0].ssi_code == SI_TKILL, Holds());
  FACT(found[1].ssi_signo, Succeeds(SIGUSR2));
  FACT(found[1].ssi_code == SI_USER, Holds());
  FACT(found[1].ssi_pid == static_cast<uint32_t>(getpid()), Holds());
  FACT(ready(fd), Mask("0"));
  FACT(!is_pending(SIGUSR1) && !is_pending(SIGUSR2), Holds());
}

CONFORMANCE(SignalFd, OneAtATime) {
  Blocked blocked{SIGUSR1, SIGRTMIN};
  Fd fd = signal_fd({SIGUSR1, SIGRTMIN});
  sigval value{};
  value.sival_int = 5;
  sigqueue(getpid(), SIGRTMIN, value);
  value.sival_int = 6;
  sigqueue(getpid(), SIGRTMIN, value);
  signalfd_siginfo found{};
  FACT(read(fd, &found, sizeof found), Succeeds(sizeof found));
  FACT(found.ssi_int, Succeeds(5));
  FACT(ready(fd), Mask("IN"));
  FACT(read(fd, &found, sizeof found), Succeeds(sizeof found));
  FACT(found.ssi_int, Succeeds(6));
  FACT(read(fd, &found, sizeof found), FailsWith(EAGAIN));
}

CONFORMANCE(SignalFd, WithEpoll) {
  Blocked blocked{SIGUSR1};
  Fd fd = signal_fd({SIGUSR1});
  Epoll level, edge;
  level.add(fd, EPOLLIN, 1);
  edge.add(fd, EPOLLIN | EPOLLET, 2);
  FACT(level.wait(), NoEvents());
  kill(getpid(), SIGUSR1);
  FACT(level.wait(), Events("1:IN"));
  FACT(level.wait(), Events("1:IN"));
  FACT(edge.wait(), Events("2:IN"));
  FACT(edge.wait(), NoEvents());
  signalfd_siginfo found;
  FACT(read(fd, &found, sizeof found), Succeeds(sizeof found));
  FACT(level.wait(), NoEvents());
  kill(getpid(), SIGUSR1);
  FACT(edge.wait(), Events("2:IN"));
  FACT(take_pending(SIGUSR1), Succeeds(SIGUSR1));
  FACT(level.wait(), NoEvents());
}

CONFORMANCE(SignalFd, WakesWhoWaits) {
  Blocked blocked{SIGUSR1};
  Fd fd = signal_fd({SIGUSR1}, 0);
  Epoll epoll;
  epoll.add(fd, EPOLLIN);
  auto send_later = [] {
    sleep_ms(15);
    kill(getpid(), SIGUSR1);
  };
  std::thread first(send_later);
  FACT(epoll.wait(2000), Events("IN"));
  first.join();
  signalfd_siginfo found;
  FACT(read(fd, &found, sizeof found), Succeeds(sizeof found));
  std::thread second(send_later);
  FACT(read(fd, &found, sizeof found), Succeeds(sizeof found));
  second.join();
}

CONFORMANCE(SignalFd, TheMaskCanChange) {
  Blocked blocked{SIGUSR1, SIGUSR2};
  Fd fd = signal_fd({SIGUSR1});
  kill(getpid(), SIGUSR2);
  FACT(ready(fd), Mask("0"));
  sigset_t set = set_of({SIGUSR2});
  FACT(signalfd(fd, &set, 0) == fd, Holds());
  FACT(ready(fd), Mask("IN"));
  signalfd_siginfo found;
  FACT(read(fd, &found, sizeof found), Succeeds(sizeof found));
  FACT(found.ssi_signo, Succeeds(SIGUSR2));
}

CONFORMANCE(SignalFd, AHandlerIsFaster) {
  Handler handler(SIGUSR1);
  Fd fd = signal_fd({SIGUSR1});
  kill(getpid(), SIGUSR1);
  FACT(caught.count, Succeeds(1));
  signalfd_siginfo found;
  FACT(read(fd, &found, sizeof found), FailsWith(EAGAIN));
}

CONFORMANCE(SignalFd, BadUse) {
  Blocked blocked{SIGUSR1};
  Fd fd = signal_fd({SIGUSR1});
  char small[100];
  FACT(read(fd, small, sizeof small), FailsWith(EINVAL));
  FACT(write(fd, small, 8), FailsWith(EINVAL));
  sigset_t set = set_of({SIGUSR1});
  FACT(signalfd(-1, &set, 1), FailsWith(EINVAL));
  FACT(signalfd(12345, &set, 0), FailsWith(EBADF));
  Fd event = event_fd();
  FACT(signalfd(event, &set, 0), FailsWith(EINVAL));
}

}  // namespace
}  // namespace conformance

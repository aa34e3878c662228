// SPDX-License-Identifier: MIT
//
// Signals and calls that wait: which ones SA_RESTART repeats, which ones never are, what a mask for
// the time of a wait does. signal(7), "Interruption of system calls"; epoll_wait(2), select(2).
#include <poll.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>

#include <linux/futex.h>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "signal_toolbox.h"

namespace conformance {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
constexpr int kFlags[] = {0, SA_RESTART};

long read_byte(int fd) {
  char byte;
  return read(fd, &byte, 1);
}
long write_byte(int fd) { return write(fd, "x", 1); }

void set_timeout(int fd, int option, int milliseconds) {
  timeval timeout{milliseconds / 1000, milliseconds % 1000 * 1000};
  must(setsockopt(fd, SOL_SOCKET, option, &timeout, sizeof timeout), "setsockopt");
}

// --- Repeated with SA_RESTART, EINTR without.

CONFORMANCE(SignalRestart, ReadFromAPipe) {
  Pipe pipe(0);
  auto call = [&] { return read_byte(pipe.reader); };
  auto rescue = [&] { write_byte(pipe.writer); };
  FACT(while_signalled(0, call, rescue), FailsWith(EINTR));
  FACT(caught.count, Succeeds(1));
  read_byte(pipe.reader);
  FACT(while_signalled(SA_RESTART, call, rescue), Succeeds(1));
  FACT(caught.count, Succeeds(1));
}

CONFORMANCE(SignalRestart, WriteToAFullPipe) {
  Pipe pipe(0);
  fcntl(pipe.writer, F_SETFL, O_NONBLOCK);
  std::vector<char> much(1 << 20);
  while (write(pipe.writer, much.data(), much.size()) > 0) {
  }
  fcntl(pipe.writer, F_SETFL, 0);
  auto call = [&] { return write_byte(pipe.writer); };
  auto rescue = [&] {
    if (read(pipe.reader, much.data(), 8192) < 0) give_up("read");
  };
  FACT(while_signalled(0, call, [] {}), FailsWith(EINTR));
  FACT(while_signalled(SA_RESTART, call, rescue), Succeeds(1));
}

CONFORMANCE(SignalRestart, AWriteThatBeganIsCutShort) {
  Pipe pipe(0);
  std::vector<char> much(100'000);
  for (int flags : kFlags) {
    FACT(while_signalled(flags, [&] { return write(pipe.writer, much.data(), much.size()); }),
         Succeeds(65'536));
    size_t taken = 0;
    while (taken < 65'536) taken += static_cast<size_t>(read(pipe.reader, much.data(), 65'536));
  }
}

CONFORMANCE(SignalRestart, ReadFromAnEventfd) {
  for (int flags : kFlags) {
    Fd event(eventfd(0, 0));
    FACT(while_signalled(
             flags, [&] { return static_cast<long>(take_from(event)); }, [&] { add_to(event, 7); }),
         flags != 0 ? Succeeds(7) : FailsWith(EINTR));
  }
}

CONFORMANCE(SignalRestart, ReadFromATimerfd) {
  for (int flags : kFlags) {
    Fd timer(timerfd_create(CLOCK_MONOTONIC, 0));
    itimerspec soon{{0, 0}, {0, 60 * kMillisecond}};
    timerfd_settime(timer, 0, &soon, nullptr);
    uint64_t ticks = 0;
    FACT(while_signalled(flags, [&] { return read(timer, &ticks, sizeof ticks); }),
         flags != 0 ? Succeeds(8) : FailsWith(EINTR));
  }
}

CONFORMANCE(SignalRestart, Receive) {
  for (int flags : kFlags) {
    TcpPair pair;
    fcntl(pair.server, F_SETFL, 0);
    FACT(while_signalled(
             flags, [&] { return receive(pair.server, 10); }, [&] { transmit(pair.client, 3); }),
         flags != 0 ? Succeeds(3) : FailsWith(EINTR));
  }
}

CONFORMANCE(SignalRestart, ReceiveOnAUnixSocket) {
  for (int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    for (int flags : kFlags) {
      UnixPair pair(type);
      fcntl(pair.b, F_SETFL, 0);
      FACT(while_signalled(
               flags, [&] { return receive(pair.b, 10); }, [&] { transmit(pair.a, 3); }),
           flags != 0 ? Succeeds(3) : FailsWith(EINTR));
    }
  }
}

CONFORMANCE(SignalRestart, ReceiveADatagram) {
  for (int flags : kFlags) {
    UdpPair pair;
    fcntl(pair.b, F_SETFL, 0);
    FACT(while_signalled(
             flags, [&] { return receive(pair.b, 10); }, [&] { pair.send_to_b(3); }),
         flags != 0 ? Succeeds(3) : FailsWith(EINTR));
  }
}

CONFORMANCE(SignalRestart, WhatCameOfAllIsKept) {
  for (int flags : kFlags) {
    TcpPair pair;
    fcntl(pair.server, F_SETFL, 0);
    transmit(pair.client, 3);
    settle();
    FACT(while_signalled(flags, [&] { return receive(pair.server, 10, MSG_WAITALL); }),
         Succeeds(3));
  }
}

CONFORMANCE(SignalRestart, Accept) {
  for (int flags : kFlags) {
    Listener listener(4, 0);
    Fd client = tcp_socket();
    auto call = [&] {
      Fd accepted(accept(listener, nullptr, nullptr));
      return accepted < 0 ? -1L : 0L;
    };
    FACT(while_signalled(flags, call, [&] { connect_to(client, listener.port); }),
         flags != 0 ? Succeeds(0) : FailsWith(EINTR));
  }
}

CONFORMANCE(SignalRestart, Semaphore) {
  sem_t semaphore;
  sem_init(&semaphore, 0, 0);
  auto call = [&] { return sem_wait(&semaphore); };
  auto rescue = [&] { sem_post(&semaphore); };
  FACT(while_signalled(0, call, rescue), FailsWith(EINTR));
  FACT(sem_trywait(&semaphore), Succeeds(0));
  FACT(while_signalled(SA_RESTART, call, rescue), Succeeds(0));
  timespec late{time(nullptr) + 5, 0};
  FACT(while_signalled(SA_RESTART, [&] { return sem_timedwait(&semaphore, &late); }),
       FailsWith(EINTR));
  sem_destroy(&semaphore);
}

CONFORMANCE(SignalRestart, Futex) {
  int word = 0;
  auto wait = [&](const timespec* timeout) {
    return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, timeout, nullptr, 0);
  };
  auto rescue = [&] { syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0); };
  FACT(while_signalled(
           0, [&] { return wait(nullptr); }, rescue),
       FailsWith(EINTR));
  FACT(while_signalled(
           SA_RESTART, [&] { return wait(nullptr); }, rescue),
       Succeeds(0));
  timespec second{1, 0};
  FACT(while_signalled(SA_RESTART, [&] { return wait(&second); }), FailsWith(EINTR));
}

// --- Never repeated.

CONFORMANCE(SignalInterrupts, EpollWait) {
  Epoll epoll;
  epoll_event event;
  timespec second{1, 0};
  for (int flags : kFlags) {
    FACT(while_signalled(flags, [&] { return epoll_wait(epoll, &event, 1, -1); }),
         FailsWith(EINTR));
    FACT(while_signalled(flags, [&] { return epoll_pwait(epoll, &event, 1, 1000, nullptr); }),
         FailsWith(EINTR));
    FACT(while_signalled(flags, [&] { return epoll_pwait2(epoll, &event, 1, &second, nullptr); }),
         FailsWith(EINTR));
  }
}

CONFORMANCE(SignalInterrupts, PollAndSelect) {
  Pipe pipe;
  pollfd asked{pipe.reader, POLLIN, 0};
  timespec second{1, 0};
  for (int flags : kFlags) {
    FACT(while_signalled(flags, [&] { return poll(&asked, 1, -1); }), FailsWith(EINTR));
    FACT(while_signalled(flags, [&] { return ppoll(&asked, 1, &second, nullptr); }),
         FailsWith(EINTR));
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipe.reader, &set);
    timeval left{1, 0};
    FACT(while_signalled(flags,
                         [&] { return select(pipe.reader + 1, &set, nullptr, nullptr, &left); }),
         FailsWith(EINTR));
    FACT(left.tv_sec == 0 && left.tv_usec > 0, Holds());
    FACT(FD_ISSET(pipe.reader, &set) != 0, Holds());  // as it was
    FACT(while_signalled(
             flags,
             [&] { return pselect(pipe.reader + 1, &set, nullptr, nullptr, nullptr, nullptr); }),
         FailsWith(EINTR));
  }
}

CONFORMANCE(SignalInterrupts, Sleeping) {
  for (int flags : kFlags) {
    timespec second{1, 0}, left{};
    FACT(while_signalled(flags, [&] { return nanosleep(&second, &left); }), FailsWith(EINTR));
    FACT(left.tv_sec == 0 && left.tv_nsec > 500 * kMillisecond, Holds());
    left = {};
    FACT(while_signalled(flags,
                         [&] { return long{clock_nanosleep(CLOCK_MONOTONIC, 0, &second, &left)}; }),
         Succeeds(EINTR));
    FACT(left.tv_sec == 0 && left.tv_nsec > 500 * kMillisecond, Holds());
    int64_t due = now_ns(CLOCK_MONOTONIC) + 1000 * kMillisecond;
    timespec moment{due / 1'000'000'000, due % 1'000'000'000};
    FACT(while_signalled(flags,
                         [&] {
                           return long{
                               clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, nullptr)};
                         }),
         Succeeds(EINTR));
    FACT(while_signalled(flags, [&] { return usleep(900'000); }), FailsWith(EINTR));
  }
}

CONFORMANCE(SignalInterrupts, PauseAndSuspend) {
  sigset_t none = set_of({});
  for (int flags : kFlags) {
    FACT(while_signalled(flags, [&] { return pause(); }), FailsWith(EINTR));
    FACT(while_signalled(flags, [&] { return sigsuspend(&none); }), FailsWith(EINTR));
  }
}

CONFORMANCE(SignalInterrupts, SocketsWithATimeout) {
  for (int flags : kFlags) {
    TcpPair pair;
    fcntl(pair.server, F_SETFL, 0);
    fcntl(pair.listener.fd, F_SETFL, 0);
    set_timeout(pair.server, SO_RCVTIMEO, 1000);
    FACT(while_signalled(flags, [&] { return receive(pair.server, 10); }), FailsWith(EINTR));
    set_timeout(pair.listener.fd, SO_RCVTIMEO, 1000);
    FACT(while_signalled(flags, [&] { return accept(pair.listener, nullptr, nullptr); }),
         FailsWith(EINTR));
    UnixPair local;
    fcntl(local.a, F_SETFL, 0);
    set_timeout(local.a, SO_RCVTIMEO, 1000);
    FACT(while_signalled(flags, [&] { return receive(local.a, 10); }), FailsWith(EINTR));
  }
}

CONFORMANCE(SignalInterrupts, WaitingForAnotherSignal) {
  sigset_t other = set_of({SIGUSR2});
  timespec second{1, 0};
  siginfo_t info;
  Blocked blocked{SIGUSR2};
  for (int flags : kFlags) {
    FACT(while_signalled(flags, [&] { return sigtimedwait(&other, &info, &second); }),
         FailsWith(EINTR));
    FACT(while_signalled(flags, [&] { return sigwaitinfo(&other, &info); }), FailsWith(EINTR));
  }
  int number = 0;  // sigwait has no EINTR: it goes on
  pthread_t self = pthread_self();
  FACT(while_signalled(
           0, [&] { return long{sigwait(&other, &number)}; }, [&] { pthread_kill(self, SIGUSR2); }),
       Succeeds(0));
  FACT(number == SIGUSR2, Holds());
}

// --- What does not interrupt.

CONFORMANCE(SignalInterrupts, IgnoredAndBlockedDoNot) {
  Handler handler(SIGUSR2);
  Blocked blocked{SIGUSR2};
  pthread_t self = pthread_self();
  Pipe pipe(0);
  std::thread other([&] {
    sleep_ms(20);
    pthread_kill(self, SIGUSR2);
    pthread_kill(self, SIGWINCH);
    sleep_ms(20);
    write_byte(pipe.writer);
  });
  FACT(read_byte(pipe.reader), Succeeds(1));
  other.join();
  FACT(is_pending(SIGUSR2), Holds());
  FACT(take_pending(SIGUSR2), Succeeds(SIGUSR2));
}

CONFORMANCE(SignalInterrupts, LocksAndConditionsGoOn) {
  std::mutex mutex;
  std::condition_variable changed;
  bool ready = false;
  mutex.lock();
  std::thread holder;
  FACT(while_signalled(
           0,
           [&] {
             std::unique_lock<std::mutex> lock(mutex, std::adopt_lock);
             changed.wait(lock, [&] { return ready; });
             return 0;
           },
           [&] {
             std::lock_guard<std::mutex> lock(mutex);
             ready = true;
             changed.notify_one();
           }),
       Succeeds(0));
  FACT(caught.count, Succeeds(1));
  std::thread owner([&] {
    std::lock_guard<std::mutex> lock(mutex);
    sleep_ms(80);
  });
  sleep_ms(10);
  FACT(while_signalled(0,
                       [&] {
                         std::lock_guard<std::mutex> lock(mutex);
                         return 0;
                       }),
       Succeeds(0));
  FACT(caught.count, Succeeds(1));
  owner.join();
}

CONFORMANCE(SignalInterrupts, JoiningGoesOn) {
  std::thread sleeper([] { sleep_ms(60); });
  FACT(while_signalled(0,
                       [&] {
                         sleeper.join();
                         return 0;
                       }),
       Succeeds(0));
  FACT(caught.count, Succeeds(1));
}

// --- A mask for the time of the wait.

CONFORMANCE(SignalMask, TheHandlerRunsWhileEpollWaits) {
  Epoll epoll;
  epoll_event event;
  Handler handler(SIGUSR1, SA_RESTART);
  Blocked blocked{SIGUSR1, SIGUSR2};
  sigset_t mask = set_of({SIGUSR2});
  raise(SIGUSR1);
  FACT(epoll_pwait(epoll, &event, 1, 1000, &mask), FailsWith(EINTR));
  FACT(caught.count, Succeeds(1));
  FACT(sigismember(&caught.during, SIGUSR2), Succeeds(1));
  FACT(is_blocked(SIGUSR1) && is_blocked(SIGUSR2), Holds());
  raise(SIGUSR1);
  timespec second{1, 0};
  FACT(epoll_pwait2(epoll, &event, 1, &second, &mask), FailsWith(EINTR));
  FACT(caught.count, Succeeds(2));
  FACT(is_blocked(SIGUSR1), Holds());
}

CONFORMANCE(SignalMask, WhatIsReadyComesFirst) {
  Pipe pipe;
  Epoll epoll;
  epoll.add(pipe.reader, EPOLLIN);
  write_byte(pipe.writer);
  Handler handler(SIGUSR1);
  Blocked blocked{SIGUSR1};
  sigset_t none = set_of({});
  raise(SIGUSR1);
  epoll_event event;
  FACT(epoll_pwait(epoll, &event, 1, 1000, &none), Succeeds(1));
  FACT(caught.count, Succeeds(0));
  FACT(is_pending(SIGUSR1), Holds());
  pollfd asked{pipe.reader, POLLIN, 0};
  timespec second{1, 0};
  FACT(ppoll(&asked, 1, &second, &none), Succeeds(1));
  FACT(caught.count, Succeeds(0));
  fd_set set;
  FD_ZERO(&set);
  FD_SET(pipe.reader, &set);
  FACT(pselect(pipe.reader + 1, &set, nullptr, nullptr, &second, &none), Succeeds(1));
  FACT(caught.count, Succeeds(0));
  FACT(is_blocked(SIGUSR1), Holds());
}

CONFORMANCE(SignalMask, PollAndSelect) {
  Pipe pipe;
  Handler handler(SIGUSR1, SA_RESTART);
  Blocked blocked{SIGUSR1};
  sigset_t none = set_of({});
  pollfd asked{pipe.reader, POLLIN, 0};
  timespec second{1, 0};
  raise(SIGUSR1);
  FACT(ppoll(&asked, 1, &second, &none), FailsWith(EINTR));
  FACT(caught.count, Succeeds(1));
  FACT(is_blocked(SIGUSR1), Holds());
  fd_set set;
  FD_ZERO(&set);
  FD_SET(pipe.reader, &set);
  raise(SIGUSR1);
  FACT(pselect(pipe.reader + 1, &set, nullptr, nullptr, &second, &none), FailsWith(EINTR));
  FACT(caught.count, Succeeds(2));
  FACT(is_blocked(SIGUSR1), Holds());
}

CONFORMANCE(SignalMask, WithoutWaiting) {
  Pipe pipe;
  Epoll epoll;
  Handler handler(SIGUSR1);
  Blocked blocked{SIGUSR1};
  sigset_t none = set_of({});
  epoll_event event;
  pollfd asked{pipe.reader, POLLIN, 0};
  timespec zero{};
  raise(SIGUSR1);
  FACT(epoll_pwait(epoll, &event, 1, 0, &none), Succeeds(0));
  FACT(caught.count, Succeeds(0));
  FACT(ppoll(&asked, 1, &zero, &none), FailsWith(EINTR));
  FACT(caught.count, Succeeds(1));
  raise(SIGUSR1);
  FACT(pselect(0, nullptr, nullptr, nullptr, &zero, &none), FailsWith(EINTR));
  FACT(caught.count, Succeeds(2));
}

CONFORMANCE(SignalMask, NothingIsThere) {
  Epoll epoll;
  Blocked blocked{SIGUSR1};
  sigset_t none = set_of({});
  epoll_event event;
  FACT(epoll_pwait(epoll, &event, 1, 5, &none), Succeeds(0));
  FACT(is_blocked(SIGUSR1), Holds());
}

CONFORMANCE(SignalMask, SuspendTakesWhatIsPending) {
  Handler handler(SIGUSR1);
  Blocked blocked{SIGUSR1, SIGUSR2};
  raise(SIGUSR1);
  sigset_t mask = set_of({SIGUSR2});
  FACT(sigsuspend(&mask), FailsWith(EINTR));
  FACT(caught.count, Succeeds(1));
  FACT(is_blocked(SIGUSR1) && is_blocked(SIGUSR2), Holds());
}

// --- Waiting for signals themselves.

CONFORMANCE(SignalWait, TakesWithoutTheHandler) {
  Handler handler(SIGUSR1);
  Blocked blocked{SIGUSR1};
  sigset_t set = set_of({SIGUSR1});
  raise(SIGUSR1);
  int number = 0;
  FACT(ErrorCode{sigwait(&set, &number)}, Error(0));
  FACT(number == SIGUSR1, Holds());
  FACT(!is_pending(SIGUSR1), Holds());
  FACT(caught.count, Succeeds(0));
}

CONFORMANCE(SignalWait, IsWokenByWhatItWaitsFor) {
  Handler handler(SIGUSR2);
  Blocked blocked{SIGUSR2};
  sigset_t set = set_of({SIGUSR2});
  pthread_t self = pthread_self();
  siginfo_t info{};
  std::thread other([&] {
    sleep_ms(20);
    pthread_kill(self, SIGUSR2);
  });
  FACT(sigwaitinfo(&set, &info), Succeeds(SIGUSR2));
  other.join();
  FACT(info.si_code == SI_USER, Holds());  // libc does not show SI_TKILL
  FACT(caught.count, Succeeds(0));
  FACT(is_blocked(SIGUSR2), Holds());
}

CONFORMANCE(SignalWait, ForTheWholeProcess) {
  Blocked blocked{SIGUSR2};
  std::thread other([] {
    sleep_ms(20);
    kill(getpid(), SIGUSR2);
  });
  sigset_t set = set_of({SIGUSR2});
  FACT(sigwaitinfo(&set, nullptr), Succeeds(SIGUSR2));
  other.join();
}

CONFORMANCE(SignalWait, Timeouts) {
  Blocked blocked{SIGUSR1};
  sigset_t set = set_of({SIGUSR1});
  timespec timeout{0, 8 * kMillisecond};
  int64_t before = now_ns(CLOCK_MONOTONIC);
  FACT(sigtimedwait(&set, nullptr, &timeout), FailsWith(EAGAIN));
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 8 * kMillisecond, Holds());
  timeout = {};
  FACT(sigtimedwait(&set, nullptr, &timeout), FailsWith(EAGAIN));
  timeout = {0, 1'000'000'000};
  FACT(sigtimedwait(&set, nullptr, &timeout), FailsWith(EINVAL));
  timeout = {-1, 0};
  FACT(sigtimedwait(&set, nullptr, &timeout), FailsWith(EINVAL));
}

CONFORMANCE(SignalWait, TheLowestNumberFirst) {
  Blocked blocked{SIGUSR1, SIGUSR2};
  raise(SIGUSR2);
  raise(SIGUSR1);
  sigset_t set = set_of({SIGUSR1, SIGUSR2});
  FACT(sigwaitinfo(&set, nullptr), Succeeds(SIGUSR1));
  FACT(sigwaitinfo(&set, nullptr), Succeeds(SIGUSR2));
}

}  // namespace
}  // namespace conformance

// SPDX-License-Identifier: MIT
//
// Each entry point reaches the right number with the kernel's arguments.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "fake_backend.h"

// Names that libc exports and no header declares.
extern "C" {
ssize_t __read(int, void*, size_t);
ssize_t __write(int, const void*, size_t);
int __close(int);
int __connect(int, const sockaddr*, socklen_t);
ssize_t __send(int, const void*, size_t, int);
ssize_t __recv(int, void*, size_t, int);
int __fcntl(int, int, ...);
int __poll(pollfd*, nfds_t, int);
int __select(int, fd_set*, fd_set*, fd_set*, timeval*);
int __nanosleep(const timespec*, timespec*);
ssize_t __read_chk(int, void*, size_t, size_t);
ssize_t __recv_chk(int, void*, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void*, size_t, size_t, int, sockaddr*, socklen_t*);
ssize_t __pread_chk(int, void*, size_t, off_t, size_t);
int __poll_chk(pollfd*, nfds_t, int, size_t);
int __ppoll_chk(pollfd*, nfds_t, const timespec*, const sigset_t*, size_t);
int __open_2(const char*, int);
int __open64_2(const char*, int);
}

namespace pollux::shim {
namespace {

constexpr int kFd = 70;
constexpr long kAny = 0x5eed;  // the argument is not compared

template <typename T>
long address(T* pointer) {
  return reinterpret_cast<long>(pointer);
}

struct Expected {
  const char* entry;
  std::function<void()> invoke;
  long number;
  std::vector<long> arguments;
};

char buffer[64];
iovec piece[2];
msghdr message;
mmsghdr messages[3];
sockaddr_storage storage;
sockaddr* const name = reinterpret_cast<sockaddr*>(&storage);
socklen_t length;
epoll_event events[4];
pollfd polled[2];
fd_set sets[3];
sigset_t mask;
timespec moment = {3, 7}, left;
itimerspec timer, old_timer;
int pair[2];
off_t offset;
rlimit limits;
struct sysinfo machine;
rusage usage;
tms used;
constexpr long kSigset = _NSIG / 8;

std::vector<Expected> table() {
#define CALL(entry, ...) #entry, [] { (void)entry __VA_ARGS__; }
  return {
      {CALL(read, (kFd, buffer, 9)), SYS_read, {kFd, address(buffer), 9}},
      {CALL(__read, (kFd, buffer, 9)), SYS_read, {kFd, address(buffer), 9}},
      {CALL(__read_chk, (kFd, buffer, 9, 9)), SYS_read, {kFd, address(buffer), 9}},
      {CALL(readv, (kFd, piece, 2)), SYS_readv, {kFd, address(piece), 2}},
      {CALL(pread, (kFd, buffer, 9, 4)), SYS_pread64, {kFd, address(buffer), 9, 4}},
      {CALL(pread64, (kFd, buffer, 9, 4)), SYS_pread64, {kFd, address(buffer), 9, 4}},
      {CALL(__pread_chk, (kFd, buffer, 9, 4, 9)), SYS_pread64, {kFd, address(buffer), 9, 4}},
      {CALL(preadv, (kFd, piece, 2, 4)), SYS_preadv, {kFd, address(piece), 2, 4}},
      {CALL(recv, (kFd, buffer, 9, MSG_PEEK)),
       SYS_recvfrom,
       {kFd, address(buffer), 9, MSG_PEEK, 0, 0}},
      {CALL(__recv, (kFd, buffer, 9, 0)), SYS_recvfrom, {kFd, address(buffer), 9, 0, 0, 0}},
      {CALL(__recv_chk, (kFd, buffer, 9, 9, MSG_PEEK)),
       SYS_recvfrom,
       {kFd, address(buffer), 9, MSG_PEEK, 0, 0}},
      {CALL(recvfrom, (kFd, buffer, 9, 1, name, &length)),
       SYS_recvfrom,
       {kFd, address(buffer), 9, 1, address(name), address(&length)}},
      {CALL(__recvfrom_chk, (kFd, buffer, 9, 9, 1, name, &length)),
       SYS_recvfrom,
       {kFd, address(buffer), 9, 1, address(name), address(&length)}},
      {CALL(recvmsg, (kFd, &message, 1)), SYS_recvmsg, {kFd, address(&message), 1}},
      {CALL(recvmmsg, (kFd, messages, 3, 1, &moment)),
       SYS_recvmmsg,
       {kFd, address(messages), 3, 1, address(&moment)}},
      {CALL(write, (kFd, buffer, 9)), SYS_write, {kFd, address(buffer), 9}},
      {CALL(__write, (kFd, buffer, 9)), SYS_write, {kFd, address(buffer), 9}},
      {CALL(writev, (kFd, piece, 2)), SYS_writev, {kFd, address(piece), 2}},
      {CALL(pwrite, (kFd, buffer, 9, 4)), SYS_pwrite64, {kFd, address(buffer), 9, 4}},
      {CALL(pwrite64, (kFd, buffer, 9, 4)), SYS_pwrite64, {kFd, address(buffer), 9, 4}},
      {CALL(pwritev, (kFd, piece, 2, 4)), SYS_pwritev, {kFd, address(piece), 2, 4}},
      {CALL(send, (kFd, buffer, 9, MSG_NOSIGNAL)),
       SYS_sendto,
       {kFd, address(buffer), 9, MSG_NOSIGNAL, 0, 0}},
      {CALL(__send, (kFd, buffer, 9, 0)), SYS_sendto, {kFd, address(buffer), 9, 0, 0, 0}},
      {CALL(sendto, (kFd, buffer, 9, 1, name, 16)),
       SYS_sendto,
       {kFd, address(buffer), 9, 1, address(name), 16}},
      {CALL(sendmsg, (kFd, &message, 1)), SYS_sendmsg, {kFd, address(&message), 1}},
      {CALL(sendmmsg, (kFd, messages, 3, 1)), SYS_sendmmsg, {kFd, address(messages), 3, 1}},
      {CALL(sendfile, (kFd, 71, &offset, 9)), SYS_sendfile, {kFd, 71, address(&offset), 9}},
      {CALL(splice, (kFd, nullptr, 71, &offset, 9, 2)),
       SYS_splice,
       {kFd, 0, 71, address(&offset), 9, 2}},

      {CALL(socket, (AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)),
       SYS_socket,
       {AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0}},
      {CALL(socketpair, (AF_UNIX, SOCK_STREAM, 0, pair)),
       SYS_socketpair,
       {AF_UNIX, SOCK_STREAM, 0, address(pair)}},
      {CALL(bind, (kFd, name, 16)), SYS_bind, {kFd, address(name), 16}},
      {CALL(listen, (kFd, 5)), SYS_listen, {kFd, 5}},
      {CALL(accept, (kFd, name, &length)), SYS_accept4, {kFd, address(name), address(&length), 0}},
      {CALL(accept4, (kFd, name, &length, SOCK_CLOEXEC)),
       SYS_accept4,
       {kFd, address(name), address(&length), SOCK_CLOEXEC}},
      {CALL(connect, (kFd, name, 16)), SYS_connect, {kFd, address(name), 16}},
      {CALL(__connect, (kFd, name, 16)), SYS_connect, {kFd, address(name), 16}},
      {CALL(shutdown, (kFd, SHUT_WR)), SYS_shutdown, {kFd, SHUT_WR}},
      {CALL(getsockname, (kFd, name, &length)),
       SYS_getsockname,
       {kFd, address(name), address(&length)}},
      {CALL(getpeername, (kFd, name, &length)),
       SYS_getpeername,
       {kFd, address(name), address(&length)}},
      {CALL(getsockopt, (kFd, SOL_SOCKET, SO_ERROR, buffer, &length)),
       SYS_getsockopt,
       {kFd, SOL_SOCKET, SO_ERROR, address(buffer), address(&length)}},
      {CALL(setsockopt, (kFd, SOL_SOCKET, SO_SNDBUF, buffer, 4)),
       SYS_setsockopt,
       {kFd, SOL_SOCKET, SO_SNDBUF, address(buffer), 4}},

      {CALL(close, (kFd)), SYS_close, {kFd}},
      {CALL(__close, (kFd)), SYS_close, {kFd}},
      {CALL(close_range, (3, 9, 4)), SYS_close_range, {3, 9, 4}},
      {CALL(closefrom, (3)), SYS_close_range, {3, 0xffffffff, 0}},
      {CALL(dup, (kFd)), SYS_dup, {kFd}},
      {CALL(dup2, (kFd, 71)), SYS_dup3, {kFd, 71, 0}},
      {CALL(dup2, (kFd, kFd)), SYS_fcntl, {kFd, F_GETFD}},
      {CALL(dup3, (kFd, 71, O_CLOEXEC)), SYS_dup3, {kFd, 71, O_CLOEXEC}},
      {CALL(fcntl, (kFd, F_SETFL, O_NONBLOCK)), SYS_fcntl, {kFd, F_SETFL, O_NONBLOCK}},
      {CALL(__fcntl, (kFd, F_SETFL, O_NONBLOCK)), SYS_fcntl, {kFd, F_SETFL, O_NONBLOCK}},
      {CALL(fcntl64, (kFd, F_SETFD, 1)), SYS_fcntl, {kFd, F_SETFD, 1}},
      {CALL(ioctl, (kFd, FIONREAD, pair)), SYS_ioctl, {kFd, FIONREAD, address(pair)}},
      {CALL(isatty, (kFd)), SYS_ioctl, {kFd, TCGETS, kAny}},
      {CALL(lseek, (kFd, 4, SEEK_END)), SYS_lseek, {kFd, 4, SEEK_END}},
      {CALL(fsync, (kFd)), SYS_fsync, {kFd}},
      {CALL(ftruncate, (kFd, 4)), SYS_ftruncate, {kFd, 4}},
      {CALL(open, ("/", O_RDONLY)), SYS_openat, {AT_FDCWD, kAny, O_RDONLY, 0}},
      {CALL(open64, ("/x", O_CREAT | O_WRONLY, 0640)),
       SYS_openat,
       {AT_FDCWD, kAny, O_CREAT | O_WRONLY, 0640}},
      {CALL(__open_2, ("/", O_CLOEXEC)), SYS_openat, {AT_FDCWD, kAny, O_CLOEXEC, 0}},
      {CALL(__open64_2, ("/", O_CLOEXEC)), SYS_openat, {AT_FDCWD, kAny, O_CLOEXEC, 0}},
      {CALL(openat, (kFd, "x", O_RDWR)), SYS_openat, {kFd, kAny, O_RDWR, 0}},
      {CALL(readlink, ("/proc/self", buffer, 9)),
       SYS_readlinkat,
       {AT_FDCWD, kAny, address(buffer), 9}},
      {CALL(readlinkat, (kFd, "x", buffer, 9)), SYS_readlinkat, {kFd, kAny, address(buffer), 9}},
      {CALL(getpid, ()), SYS_getpid, {}},
      {CALL(getppid, ()), SYS_getppid, {}},
      {CALL(getpgid, (5)), SYS_getpgid, {5}},
      {CALL(getpgrp, ()), SYS_getpgid, {0}},
      {CALL(setpgid, (5, 6)), SYS_setpgid, {5, 6}},
      {CALL(setpgrp, ()), SYS_setpgid, {0, 0}},
      {CALL(getsid, (5)), SYS_getsid, {5}},
      {CALL(setsid, ()), SYS_setsid, {}},
      {CALL(sched_getcpu, ()), SYS_getcpu, {kAny, 0, 0}},
      {CALL(sysinfo, (&machine)), SYS_sysinfo, {address(&machine)}},
      {CALL(getrusage, (RUSAGE_SELF, &usage)), SYS_getrusage, {RUSAGE_SELF, address(&usage)}},
      {CALL(times, (&used)), SYS_times, {address(&used)}},
      {CALL(pipe, (pair)), SYS_pipe2, {address(pair), 0}},
      {CALL(pipe2, (pair, O_CLOEXEC)), SYS_pipe2, {address(pair), O_CLOEXEC}},
      {CALL(eventfd, (7, EFD_NONBLOCK)), SYS_eventfd2, {7, EFD_NONBLOCK}},
      {CALL(eventfd_write, (kFd, 1)), SYS_write, {kFd, kAny, 8}},
      {CALL(timerfd_create, (CLOCK_MONOTONIC, TFD_CLOEXEC)),
       SYS_timerfd_create,
       {CLOCK_MONOTONIC, TFD_CLOEXEC}},
      {CALL(timerfd_settime, (kFd, TFD_TIMER_ABSTIME, &timer, &old_timer)),
       SYS_timerfd_settime,
       {kFd, TFD_TIMER_ABSTIME, address(&timer), address(&old_timer)}},
      {CALL(timerfd_gettime, (kFd, &timer)), SYS_timerfd_gettime, {kFd, address(&timer)}},
      {CALL(getrlimit, (RLIMIT_NOFILE, &limits)),
       SYS_prlimit64,
       {0, RLIMIT_NOFILE, 0, address(&limits)}},
      {CALL(setrlimit, (RLIMIT_NOFILE, &limits)),
       SYS_prlimit64,
       {0, RLIMIT_NOFILE, address(&limits), 0}},
      {CALL(prlimit, (5, RLIMIT_NOFILE, &limits, &limits)),
       SYS_prlimit64,
       {5, RLIMIT_NOFILE, address(&limits), address(&limits)}},

      {CALL(epoll_create, (1)), SYS_epoll_create1, {0}},
      {CALL(epoll_create1, (EPOLL_CLOEXEC)), SYS_epoll_create1, {EPOLL_CLOEXEC}},
      {CALL(epoll_ctl, (kFd, EPOLL_CTL_MOD, 71, events)),
       SYS_epoll_ctl,
       {kFd, EPOLL_CTL_MOD, 71, address(events)}},
#ifdef SYS_epoll_wait
      {CALL(epoll_wait, (kFd, events, 4, -1)), SYS_epoll_wait, {kFd, address(events), 4, -1}},
#endif
      {CALL(epoll_pwait, (kFd, events, 4, 5, &mask)),
       SYS_epoll_pwait,
       {kFd, address(events), 4, 5, address(&mask), kSigset}},
      {CALL(epoll_pwait2, (kFd, events, 4, &moment, &mask)),
       SYS_epoll_pwait2,
       {kFd, address(events), 4, address(&moment), address(&mask), kSigset}},
#ifdef SYS_poll
      {CALL(poll, (polled, 2, 5)), SYS_poll, {address(polled), 2, 5}},
      {CALL(__poll, (polled, 2, 5)), SYS_poll, {address(polled), 2, 5}},
      {CALL(__poll_chk, (polled, 2, 5, sizeof polled)), SYS_poll, {address(polled), 2, 5}},
#endif
      {CALL(ppoll, (polled, 2, &moment, &mask)),
       SYS_ppoll,
       {address(polled), 2, kAny, address(&mask), kSigset}},
      {CALL(ppoll, (polled, 2, nullptr, nullptr)), SYS_ppoll, {address(polled), 2, 0, 0, kSigset}},
      {CALL(__ppoll_chk, (polled, 2, &moment, &mask, sizeof polled)),
       SYS_ppoll,
       {address(polled), 2, kAny, address(&mask), kSigset}},
      {CALL(select, (80, sets, sets + 1, sets + 2, nullptr)),
       SYS_pselect6,
       {80, address(sets), address(sets + 1), address(sets + 2), 0, kAny}},
      {CALL(__select, (80, sets, nullptr, nullptr, nullptr)),
       SYS_pselect6,
       {80, address(sets), 0, 0, 0, kAny}},
      {CALL(pselect, (80, sets, nullptr, nullptr, &moment, &mask)),
       SYS_pselect6,
       {80, address(sets), 0, 0, kAny, kAny}},

      {CALL(clock_gettime, (CLOCK_MONOTONIC, &left)),
       SYS_clock_gettime,
       {CLOCK_MONOTONIC, address(&left)}},
      {CALL(clock_getres, (CLOCK_MONOTONIC, &left)),
       SYS_clock_getres,
       {CLOCK_MONOTONIC, address(&left)}},
      {CALL(time, (nullptr)), SYS_clock_gettime, {CLOCK_REALTIME, kAny}},
      {CALL(clock, ()), SYS_clock_gettime, {CLOCK_PROCESS_CPUTIME_ID, kAny}},
      {CALL(timespec_get, (&left, TIME_UTC)), SYS_clock_gettime, {CLOCK_REALTIME, address(&left)}},
      {CALL(clock_nanosleep, (CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, &left)),
       SYS_clock_nanosleep,
       {CLOCK_MONOTONIC, TIMER_ABSTIME, address(&moment), address(&left)}},
      {CALL(nanosleep, (&moment, &left)),
       SYS_clock_nanosleep,
       {CLOCK_REALTIME, 0, address(&moment), address(&left)}},
      {CALL(__nanosleep, (&moment, nullptr)),
       SYS_clock_nanosleep,
       {CLOCK_REALTIME, 0, address(&moment), 0}},
      {CALL(usleep, (5)), SYS_clock_nanosleep, {CLOCK_REALTIME, 0, kAny, 0}},
      {CALL(sleep, (5)), SYS_clock_nanosleep, {CLOCK_REALTIME, 0, kAny, kAny}},
      {CALL(sched_yield, ()), SYS_sched_yield, {}},
      {CALL(gettid, ()), SYS_gettid, {}},

      {CALL(getrandom, (buffer, 9, GRND_NONBLOCK)),
       SYS_getrandom,
       {address(buffer), 9, GRND_NONBLOCK}},
  };
#undef CALL
}

TEST(EntryTest, EachReachesItsNumberWithItsArguments) {
  FakeBackend backend;
  for (const Expected& expected : table()) {
    backend.number = -1;
    backend.calls = 0;
    in_a_run([&] { expected.invoke(); });
    EXPECT_EQ(backend.calls, 1) << expected.entry;
    EXPECT_EQ(backend.number, expected.number) << expected.entry;
    EXPECT_FALSE(backend.gate_was_open) << expected.entry;
    for (size_t i = 0; i < expected.arguments.size(); ++i) {
      if (expected.arguments[i] == kAny) continue;
      EXPECT_EQ(backend.arguments[i], expected.arguments[i])
          << expected.entry << ", argument " << i;
    }
  }
}

TEST(EntryTest, NegativeResultsBecomeErrno) {
  FakeBackend backend;
  backend.answer = -ECONNABORTED;
  errno = 0;
  int returned = in_a_run([] { return accept(kFd, nullptr, nullptr); });
  EXPECT_EQ(returned, -1);
  EXPECT_EQ(errno, ECONNABORTED);
  backend.answer = -4095;  // the last errno there can be
  EXPECT_EQ(in_a_run([] { return close(kFd); }), -1);
  EXPECT_EQ(errno, 4095);
}

TEST(EntryTest, LargeResultsAreNotErrors) {
  FakeBackend backend;
  backend.answer = 0x7fff'ffff'0000;
  errno = 0;
  EXPECT_EQ(in_a_run([] { return lseek(kFd, 0, SEEK_END); }), 0x7fff'ffff'0000);
  EXPECT_EQ(errno, 0);
}

TEST(EntryTest, ClockNanosleepReturnsItsErrorAndLeavesErrnoAlone) {
  FakeBackend backend;
  backend.answer = -EINTR;
  errno = 0;
  EXPECT_EQ(in_a_run([] { return clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, nullptr); }), EINTR);
  EXPECT_EQ(errno, 0);
}

TEST(EntryTest, SleepReturnsWhatWasLeft) {
  FakeBackend backend;
  EXPECT_EQ(in_a_run([] { return sleep(9); }), 0u);
  backend.act = [](long, const std::array<long, 6>& a) -> long {
    *reinterpret_cast<timespec*>(a[3]) = {4, 1};
    return -EINTR;
  };
  EXPECT_EQ(in_a_run([] { return sleep(9); }), 4u);
}

TEST(EntryTest, TimeConvertsTheBackendsClock) {
  FakeBackend backend;
  backend.act = [](long, const std::array<long, 6>& a) -> long {
    *reinterpret_cast<timespec*>(a[1]) = {1'700'000'000, 5};
    return 0;
  };
  time_t stored = 0;
  EXPECT_EQ(in_a_run([&] { return time(&stored); }), 1'700'000'000);
  EXPECT_EQ(stored, 1'700'000'000);
  EXPECT_EQ(in_a_run([] { return std::chrono::system_clock::now(); }).time_since_epoch().count(),
            1'700'000'000'000'000'005);
}

TEST(EntryTest, SelectWritesTheTimeThatIsLeftAndPselectDoesNot) {
  FakeBackend backend;
  backend.act = [](long, const std::array<long, 6>& a) -> long {
    auto* timeout = reinterpret_cast<timespec*>(a[4]);
    bool whole = timeout->tv_sec == 3 && timeout->tv_nsec == 500'000'000;
    *timeout = {1, 2000};
    return whole ? 0 : -EINVAL;
  };
  timeval timeout = {2, 1'500'000};
  EXPECT_EQ(in_a_run([&] { return select(80, sets, nullptr, nullptr, &timeout); }), 0);
  EXPECT_EQ(timeout.tv_sec, 1);
  EXPECT_EQ(timeout.tv_usec, 2);
  timespec precise = {3, 500'000'000};
  EXPECT_EQ(in_a_run([&] { return pselect(80, sets, nullptr, nullptr, &precise, nullptr); }), 0);
  EXPECT_EQ(precise.tv_sec, 3);
}

TEST(EntryTest, EventfdReadAndWriteAreWhole) {
  FakeBackend backend;
  backend.act = [](long number, const std::array<long, 6>& a) -> long {
    if (number == SYS_read) *reinterpret_cast<eventfd_t*>(a[1]) = 42;
    return 8;
  };
  eventfd_t value = 0;
  EXPECT_EQ(in_a_run([&] { return eventfd_read(kFd, &value); }), 0);
  EXPECT_EQ(value, 42u);
  EXPECT_EQ(in_a_run([] { return eventfd_write(kFd, 1); }), 0);
  backend.act = nullptr;
  backend.answer = -EAGAIN;
  EXPECT_EQ(in_a_run([&] { return eventfd_read(kFd, &value); }), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST(EntryTest, RandomnessComesFromGetrandom) {
  FakeBackend backend;
  backend.act = [](long number, const std::array<long, 6>& a) -> long {
    if (number != SYS_getrandom) return -ENOSYS;
    // In pieces, as a kernel may answer a large request.
    size_t size = std::min<size_t>(a[1], 256);
    std::memset(reinterpret_cast<void*>(a[0]), 0x11, size);
    return static_cast<long>(size);
  };
  char large[1000] = {};
  in_a_run([&] { return arc4random_buf(large, sizeof large), 0; });
  EXPECT_EQ(large[999], 0x11);
  EXPECT_EQ(in_a_run([] { return arc4random(); }), 0x11111111u);
  EXPECT_EQ(in_a_run([] { return arc4random_uniform(0x1000); }), 0x111u);
  EXPECT_EQ(in_a_run([&] { return getentropy(large, 257); }), -1);
  EXPECT_EQ(errno, EIO);
  std::random_device device;
  EXPECT_EQ(in_a_run([&] { return device(); }), 0x11111111u);
  unsigned char byte = 0;
  in_a_run([&] {
    FILE* file = fopen("/dev/urandom", "r");
    size_t got = fread(&byte, 1, 1, file);
    fclose(file);
    return got;
  });
  EXPECT_EQ(byte, 0x11);
}

TEST(EntryTest, SyscallPassesAllSixArguments) {
  FakeBackend backend;
  backend.answer = 77;
  long returned = in_a_run([] { return syscall(SYS_futex, 1L, 2L, 3L, 4L, 5L, 6L); });
  EXPECT_EQ(returned, 77);
  EXPECT_EQ(backend.number, SYS_futex);
  EXPECT_EQ(backend.arguments, (std::array<long, 6>{1, 2, 3, 4, 5, 6}));
  backend.answer = -EBADF;
  EXPECT_EQ(in_a_run([] { return syscall(SYS_close, 5); }), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_EQ(backend.number, SYS_close);
  EXPECT_EQ(backend.arguments[0], 5);
}

TEST(EntryTest, EachMachineLooksTheSame) {
  FakeBackend backend;
  EXPECT_EQ(in_a_run([] { return std::thread::hardware_concurrency(); }), 4u);
  EXPECT_EQ(in_a_run([] { return sysconf(_SC_NPROCESSORS_ONLN); }), 4);
  EXPECT_EQ(in_a_run([] { return sysconf(_SC_PAGESIZE); }), sysconf(_SC_PAGESIZE));
  double averages[5];
  EXPECT_EQ(in_a_run([&] { return getloadavg(averages, 5); }), 3);
  EXPECT_EQ(averages[2], 0);
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(60, &set);
  EXPECT_EQ(in_a_run([&] { return sched_getaffinity(0, sizeof set, &set); }), 0);
  EXPECT_EQ(CPU_COUNT(&set), 4);
  EXPECT_EQ(in_a_run([&] { return sched_getaffinity(0, 0, &set); }), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(backend.calls, 0);
}

// libc would open it inside of itself.
TEST(EntryTest, StdioAsksForTheFilesOfProc) {
  FakeBackend backend;
  backend.answer = -EACCES;
  EXPECT_EQ(in_a_run([] { return fopen("/proc/self/stat", "r+"); }), nullptr);
  EXPECT_EQ(errno, EACCES);
  EXPECT_EQ(backend.number, SYS_openat);
  EXPECT_EQ(backend.arguments[2], O_RDWR | O_CLOEXEC);
  EXPECT_EQ(in_a_run([] { return opendir("/proc/self/fd"); }), nullptr);
  EXPECT_EQ(backend.refused, "opendir of /proc or /sys");
  DIR* ordinary = in_a_run([] { return opendir("/"); });
  EXPECT_NE(ordinary, nullptr);
  closedir(ordinary);
}

TEST(EntryTest, HostNameIsTheKernels) {
  FakeBackend backend;
  backend.act = [](long number, const std::array<long, 6>& a) -> long {
    if (number != SYS_uname) return -ENOSYS;
    auto* out = reinterpret_cast<utsname*>(a[0]);
    *out = {};
    std::strcpy(out->nodename, "host3");
    return 0;
  };
  char host[16] = {};
  EXPECT_EQ(in_a_run([&] { return gethostname(host, sizeof host); }), 0);
  EXPECT_STREQ(host, "host3");
  EXPECT_EQ(in_a_run([&] { return gethostname(host, 3); }), -1);
  EXPECT_EQ(errno, ENAMETOOLONG);
}

TEST(EntryTest, ShutGateAsksNoBackend) {
  FakeBackend backend;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(write(ends[1], "x", 1), 1);
  close(ends[0]);
  close(ends[1]);
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  EXPECT_EQ(backend.calls, 0);
}

TEST(EntryDeathTest, FortifiedCallsStopAnOverflow) {
  FakeBackend backend;
  EXPECT_DEATH(in_a_run([] { return __read_chk(kFd, buffer, 65, 64); }), "buffer overflow");
  EXPECT_DEATH(in_a_run([] { return __poll_chk(polled, 3, 0, sizeof polled); }), "buffer overflow");
}

}  // namespace
}  // namespace pollux::shim

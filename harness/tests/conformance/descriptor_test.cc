// SPDX-License-Identifier: MIT
//
// Descriptors: numbers, duplicates, flags, the full table.
// dup(2), fcntl(2), close(2), open(2), getrlimit(2); in the kernel alloc_fd, do_dup2,
// filp_close, do_fcntl.
#include <linux/close_range.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include <vector>

#include "toolbox.h"

namespace conformance {
namespace {

int status(int fd) { return fcntl(fd, F_GETFL); }
int descriptor_flags(int fd) { return fcntl(fd, F_GETFD); }

int a_closed_number() {
  Fd fd = event_fd();
  return fd;
}

CONFORMANCE(Descriptor, LowestFreeNumber) {
  Fd a = event_fd(), b = event_fd(), c = event_fd();
  int number = b;
  FACT(a < b && b < c, Holds());
  b.close();
  Fd again = tcp_socket();
  FACT(again == number, Holds());
  Fd next = event_fd();
  FACT(next > c, Holds());
}

CONFORMANCE(Descriptor, PairsTakeTwoInOrder) {
  Pipe pipe;
  FACT(pipe.writer == pipe.reader + 1, Holds());
  UnixPair pair;
  FACT(pair.b == pair.a + 1, Holds());
}

CONFORMANCE(Descriptor, CloseTwice) {
  int fd = event_fd().release();
  FACT(close(fd), Succeeds(0));
  FACT(close(fd), FailsWith(EBADF));
  FACT(close(-1), FailsWith(EBADF));
}

// close_range(2). High numbers: among the lowest ones are those of others.
CONFORMANCE(Descriptor, CloseRange) {
  constexpr int kFirst = 200, kCount = 5;
  Fd original = event_fd();
  for (int i = 0; i < kCount; ++i) FACT(fcntl(original, F_DUPFD, kFirst + i), Succeeds(kFirst + i));
  FACT(close_range(kFirst + 1, kFirst + 3, 0), Succeeds(0));
  FACT(descriptor_flags(kFirst), Succeeds(0));
  for (int i = 1; i <= 3; ++i) FACT(descriptor_flags(kFirst + i), FailsWith(EBADF));
  FACT(descriptor_flags(kFirst + 4), Succeeds(0));
  // What is not open is passed over; nothing is closed, only marked.
  FACT(close_range(kFirst, ~0u, CLOSE_RANGE_CLOEXEC), Succeeds(0));
  FACT(descriptor_flags(kFirst), Succeeds(FD_CLOEXEC));
  FACT(descriptor_flags(kFirst + 4), Succeeds(FD_CLOEXEC));
  FACT(descriptor_flags(original), Succeeds(0));
  FACT(close_range(kFirst + 1, kFirst, 0), FailsWith(EINVAL));
  FACT(close_range(kFirst, kFirst, 1 << 10), FailsWith(EINVAL));
  closefrom(kFirst);
  FACT(descriptor_flags(kFirst), FailsWith(EBADF));
  FACT(descriptor_flags(kFirst + 4), FailsWith(EBADF));
  FACT(status(original) >= 0, Holds());
}

CONFORMANCE(Descriptor, BadNumbers) {
  int closed = a_closed_number();
  char byte = 0;
  FACT(read(closed, &byte, 1), FailsWith(EBADF));
  FACT(write(closed, &byte, 1), FailsWith(EBADF));
  FACT(recv(closed, &byte, 1, 0), FailsWith(EBADF));
  FACT(send(closed, &byte, 1, 0), FailsWith(EBADF));
  FACT(dup(closed), FailsWith(EBADF));
  FACT(status(closed), FailsWith(EBADF));
  FACT(descriptor_flags(closed), FailsWith(EBADF));
  FACT(bytes_queued(closed), FailsWith(EBADF));
  FACT(connect_to(closed, 1), FailsWith(EBADF));
  FACT(bind_to(closed, 1), FailsWith(EBADF));
  FACT(listen(closed, 1), FailsWith(EBADF));
  FACT(accept(closed, nullptr, nullptr), FailsWith(EBADF));
}

CONFORMANCE(Descriptor, NoSockets) {
  Fd counter = event_fd();
  char byte = 0;
  FACT(recv(counter, &byte, 1, 0), FailsWith(ENOTSOCK));
  FACT(send(counter, &byte, 1, 0), FailsWith(ENOTSOCK));
  FACT(connect_to(counter, 1), FailsWith(ENOTSOCK));
  FACT(bind_to(counter, 1), FailsWith(ENOTSOCK));
  FACT(shutdown(counter, SHUT_WR), FailsWith(ENOTSOCK));
  FACT(get_option(counter, SOL_SOCKET, SO_TYPE), FailsWith(ENOTSOCK));
}

CONFORMANCE(Descriptor, SocketArguments) {
  FACT(socket(AF_INET, 77, 0), FailsWith(EINVAL));
  FACT(socket(777, SOCK_STREAM, 0), FailsWith(EAFNOSUPPORT));
  FACT(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), FailsWith(EPROTONOSUPPORT));
  Fd plain = tcp_socket(0), with = tcp_socket(SOCK_NONBLOCK | SOCK_CLOEXEC);
  FACT(status(plain), Succeeds(O_RDWR));
  FACT(descriptor_flags(plain), Succeeds(0));
  FACT(status(with), Succeeds(O_RDWR | O_NONBLOCK));
  FACT(descriptor_flags(with), Succeeds(FD_CLOEXEC));
}

// --- Duplicates: one open file, two numbers.

CONFORMANCE(Descriptor, StatusFlagsAreShared) {
  Fd one = event_fd(0, 0);
  Fd two(dup(one));
  FACT(fcntl(one, F_SETFL, O_NONBLOCK), Succeeds(0));
  FACT(status(two), Succeeds(O_RDWR | O_NONBLOCK));
  FACT(fcntl(two, F_SETFL, 0), Succeeds(0));
  FACT(status(one), Succeeds(O_RDWR));
}

CONFORMANCE(Descriptor, DescriptorFlagsAreNot) {
  Fd one = event_fd();
  FACT(fcntl(one, F_SETFD, FD_CLOEXEC), Succeeds(0));
  Fd two(dup(one));
  FACT(descriptor_flags(one), Succeeds(FD_CLOEXEC));
  FACT(descriptor_flags(two), Succeeds(0));
  FACT(fcntl(two, F_SETFD, FD_CLOEXEC), Succeeds(0));
  FACT(fcntl(one, F_SETFD, 0), Succeeds(0));
  FACT(descriptor_flags(one), Succeeds(0));
  FACT(descriptor_flags(two), Succeeds(FD_CLOEXEC));
}

CONFORMANCE(Descriptor, SetStatusKeepsTheAccessMode) {
  Pipe pipe;
  FACT(fcntl(pipe.reader, F_SETFL, O_RDWR), Succeeds(0));
  FACT(status(pipe.reader), Succeeds(O_RDONLY));
}

CONFORMANCE(Descriptor, Dup2) {
  Fd one = event_fd(1), other = event_fd(0);
  FACT(dup2(one, one) == one, Holds());
  FACT(dup2(one, other) == other, Holds());
  FACT(take_from(other), Succeeds(1));
  FACT(dup2(a_closed_number(), one), FailsWith(EBADF));
  FACT(dup2(one, -1), FailsWith(EBADF));
  FACT(dup2(a_closed_number(), a_closed_number()), FailsWith(EBADF));
}

CONFORMANCE(Descriptor, Dup3) {
  Fd one = event_fd(), other = event_fd();
  FACT(dup3(one, one, 0), FailsWith(EINVAL));
  FACT(dup3(one, other, O_NONBLOCK), FailsWith(EINVAL));
  FACT(dup3(one, other, O_CLOEXEC) == other, Holds());
  FACT(descriptor_flags(other), Succeeds(FD_CLOEXEC));
}

CONFORMANCE(Descriptor, DuplicateAtOrAbove) {
  Fd one = event_fd();
  Fd high(fcntl(one, F_DUPFD, 500)), closing(fcntl(one, F_DUPFD_CLOEXEC, 500));
  FACT(high == 500, Holds());
  FACT(closing == 501, Holds());
  FACT(descriptor_flags(high), Succeeds(0));
  FACT(descriptor_flags(closing), Succeeds(FD_CLOEXEC));
  FACT(fcntl(one, F_DUPFD, -1), FailsWith(EINVAL));
  FACT(fcntl(one, F_DUPFD, 1'000'000), FailsWith(EINVAL));
}

CONFORMANCE(Descriptor, DupDoesNotTakeOverCloseOnExec) {
  Fd one(eventfd(0, EFD_CLOEXEC));
  Fd two(dup(one));
  FACT(descriptor_flags(two), Succeeds(0));
}

CONFORMANCE(Descriptor, UnknownCommand) {
  Fd one = event_fd();
  FACT(fcntl(one, 9999), FailsWith(EINVAL));
  FACT(isatty(one), Succeeds(0));
}

CONFORMANCE(Descriptor, NonBlockingByIoctl) {
  Fd one = event_fd(0, 0);
  int on = 1, off = 0;
  FACT(ioctl(one, FIONBIO, &on), Succeeds(0));
  FACT(take_from(one), FailsWith(EAGAIN));
  FACT(ioctl(one, FIONBIO, &off), Succeeds(0));
  FACT(status(one), Succeeds(O_RDWR));
  FACT(ioctl(one, FIOCLEX), Succeeds(0));
  FACT(descriptor_flags(one), Succeeds(FD_CLOEXEC));
  FACT(ioctl(one, FIONCLEX), Succeeds(0));
  FACT(descriptor_flags(one), Succeeds(0));
}

CONFORMANCE(Descriptor, Kinds) {
  struct stat info {};
  TcpPair pair;
  FACT(fstat(pair.client, &info), Succeeds(0));
  FACT(S_ISSOCK(info.st_mode) != 0, Holds());
  Pipe pipe;
  FACT(fstat(pipe.reader, &info), Succeeds(0));
  FACT(S_ISFIFO(info.st_mode) != 0, Holds());
  FACT(isatty(pair.client), Succeeds(0));
}

// --- A full table: RLIMIT_NOFILE, alloc_fd.

CONFORMANCE(Descriptor, FullTable) {
  Fd one = event_fd();
  std::vector<Fd> filler;
  for (;;) {
    int fd = dup(one);
    if (fd < 0) break;
    filler.emplace_back(fd);
  }
  FACT(dup(one), FailsWith(EMFILE));
  FACT(socket(AF_INET, SOCK_STREAM, 0), FailsWith(EMFILE));
  FACT(epoll_create1(0), FailsWith(EMFILE));
  FACT(eventfd(0, 0), FailsWith(EMFILE));
  FACT(timerfd_create(CLOCK_MONOTONIC, 0), FailsWith(EMFILE));
  int ends[2];
  FACT(pipe(ends), FailsWith(EMFILE));
  FACT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), FailsWith(EMFILE));
  FACT(fcntl(one, F_DUPFD, 0), FailsWith(EMFILE));
  filler.pop_back();
  FACT(pipe(ends), FailsWith(EMFILE));
  Fd last(eventfd(0, 0));
  FACT(last >= 0, Holds());
  FACT(eventfd(0, 0), FailsWith(EMFILE));
}

CONFORMANCE(Descriptor, TheLimitIsTheNumberThatFails) {
  rlimit limit{};
  FACT(getrlimit(RLIMIT_NOFILE, &limit), Succeeds(0));
  Fd one = event_fd();
  int beyond = static_cast<int>(limit.rlim_cur);
  FACT(dup2(one, beyond), FailsWith(EBADF));
  FACT(fcntl(one, F_DUPFD, beyond), FailsWith(EINVAL));
  Fd last(dup2(one, beyond - 1));
  FACT(last == beyond - 1, Holds());
}

}  // namespace
}  // namespace conformance

// SPDX-License-Identifier: MIT
//
// poll(2), select(2); in the kernel do_poll, do_select, core_sys_select.
#include <sys/select.h>
#include <sys/timerfd.h>

#include <thread>
#include <vector>

#include "toolbox.h"

namespace conformance {
namespace {

int a_closed_number() {
  Fd fd = event_fd();
  return fd;
}

// select() over one descriptor: which of the three sets it is in afterwards.
struct Selected {
  int result = 0, error = 0;
  bool read = false, write = false, except = false;
};

Selected select_one(int fd, long timeout_ms = 0) {
  fd_set reads, writes, excepts;
  FD_ZERO(&reads);
  FD_ZERO(&writes);
  FD_ZERO(&excepts);
  FD_SET(fd, &reads);
  FD_SET(fd, &writes);
  FD_SET(fd, &excepts);
  timeval timeout{timeout_ms / 1000, timeout_ms % 1000 * 1000};
  Selected seen;
  seen.result = select(fd + 1, &reads, &writes, &excepts, &timeout);
  seen.error = errno;
  if (seen.result < 0) return seen;
  seen.read = FD_ISSET(fd, &reads);
  seen.write = FD_ISSET(fd, &writes);
  seen.except = FD_ISSET(fd, &excepts);
  return seen;
}

// As a mask, so that a fact can state it.
Ready selected(int fd) {
  Selected seen = select_one(fd);
  uint32_t bits = 0;
  if (seen.read) bits |= POLLIN;
  if (seen.write) bits |= POLLOUT;
  if (seen.except) bits |= POLLPRI;
  return {bits};
}

CONFORMANCE(Poll, FreshObjects) {
  FACT(ready(tcp_socket()), Mask("OUT|HUP"));
  FACT(ready(Listener().fd), Mask("0"));
  FACT(ready(event_fd(0)), Mask("OUT"));
  FACT(ready(event_fd(1)), Mask("IN|OUT"));
  FACT(ready(Fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK))), Mask("0"));
  FACT(ready(Epoll()), Mask("0"));
  FACT(ready(Pipe().writer), Mask("OUT"));
  FACT(ready(UnixPair().a), Mask("OUT"));
}

CONFORMANCE(Poll, NoSuchDescriptor) {
  FACT(ready(a_closed_number()), Mask("NVAL"));
  FACT(ready(-1), Mask("0"));
  FACT(ready(-77), Mask("0"));
}

CONFORMANCE(Poll, InvalidEntriesCount) {
  Fd counter = event_fd(1);
  pollfd entries[] = {{a_closed_number(), POLLIN, 0}, {counter, POLLIN, 0}, {-1, POLLIN, 9}};
  FACT(poll(entries, 3, 1000), Succeeds(2));
  FACT(Ready{static_cast<uint16_t>(entries[0].revents)}, Mask("NVAL"));
  FACT(Ready{static_cast<uint16_t>(entries[1].revents)}, Mask("IN"));
  FACT(Ready{static_cast<uint16_t>(entries[2].revents)}, Mask("0"));
}

CONFORMANCE(Poll, OnlyWhatWasAskedFor) {
  Fd counter = event_fd(1);
  FACT(ready(counter, POLLIN), Mask("IN"));
  FACT(ready(counter, POLLOUT), Mask("OUT"));
  FACT(ready(counter, 0), Mask("0"));
  FACT(ready(counter, POLLPRI), Mask("0"));
}

CONFORMANCE(Poll, HangUpAndErrorAreNotAskedFor) {
  Pipe one, two;
  one.writer.close();
  two.reader.close();
  FACT(ready(one.reader, 0), Mask("HUP"));
  FACT(ready(two.writer, 0), Mask("ERR"));
}

CONFORMANCE(Poll, SameDescriptorTwice) {
  Fd counter = event_fd(1);
  pollfd entries[] = {{counter, POLLIN, 0}, {counter, POLLOUT, 0}};
  FACT(poll(entries, 2, 0), Succeeds(2));
  FACT(Ready{static_cast<uint16_t>(entries[0].revents)}, Mask("IN"));
  FACT(Ready{static_cast<uint16_t>(entries[1].revents)}, Mask("OUT"));
}

CONFORMANCE(Poll, NotReadyClearsTheAnswer) {
  Fd counter = event_fd(0);
  pollfd entry{counter, POLLIN, POLLIN};
  FACT(poll(&entry, 1, 0), Succeeds(0));
  FACT(Ready{static_cast<uint16_t>(entry.revents)}, Mask("0"));
}

CONFORMANCE(Poll, Timeout) {
  Fd counter = event_fd(0);
  pollfd entry{counter, POLLIN, 0};
  int64_t before = now_ns(CLOCK_MONOTONIC);
  FACT(poll(&entry, 1, 20), Succeeds(0));
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 20'000'000, Holds());
  before = now_ns(CLOCK_MONOTONIC);
  FACT(poll(nullptr, 0, 10), Succeeds(0));
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 10'000'000, Holds());
}

CONFORMANCE(Poll, PreciseTimeout) {
  Fd counter = event_fd(0);
  pollfd entry{counter, POLLIN, 0};
  timespec timeout{0, 3'000'000};
  int64_t before = now_ns(CLOCK_MONOTONIC);
  FACT(ppoll(&entry, 1, &timeout, nullptr), Succeeds(0));
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 3'000'000, Holds());
  timeout = {0, 1'000'000'000};
  FACT(ppoll(&entry, 1, &timeout, nullptr), FailsWith(EINVAL));
  timeout = {-1, 0};
  FACT(ppoll(&entry, 1, &timeout, nullptr), FailsWith(EINVAL));
}

CONFORMANCE(Poll, IsWokenByAWrite) {
  Fd counter = event_fd(0);
  pollfd entry{counter, POLLIN, 0};
  int seen = 0;
  std::thread waiter([&] { seen = poll(&entry, 1, 10'000); });
  settle();
  add_to(counter, 1);
  waiter.join();
  FACT(seen, Succeeds(1));
  FACT(Ready{static_cast<uint16_t>(entry.revents)}, Mask("IN"));
}

CONFORMANCE(Poll, IsWokenByAPacket) {
  TcpPair pair;
  pollfd entries[] = {{pair.server, POLLIN, 0}, {pair.listener, POLLIN, 0}};
  transmit(pair.client, 1);
  FACT(poll(entries, 2, 10'000), Succeeds(1));
  FACT(Ready{static_cast<uint16_t>(entries[0].revents)}, Mask("IN"));
  Fd another = tcp_socket();
  connect_to(another, pair.listener.port);
  entries[0].fd = -1;
  FACT(poll(entries, 2, 10'000), Succeeds(1));
  FACT(Ready{static_cast<uint16_t>(entries[1].revents)}, Mask("IN"));
}

// --- select: POLLIN_SET holds HUP and ERR, POLLOUT_SET holds ERR.

CONFORMANCE(Select, Masks) {
  Fd zero = event_fd(0), one = event_fd(1);
  FACT(selected(zero), Mask("OUT"));
  FACT(selected(one), Mask("IN|OUT"));
  FACT(select_one(one).result, Succeeds(2));
  FACT(selected(tcp_socket()), Mask("IN|OUT"));
}

CONFORMANCE(Select, HangUpIsReadableErrorIsBoth) {
  Pipe one, two;
  one.writer.close();
  FACT(selected(one.reader), Mask("IN"));
  fill_up(two.writer);
  two.reader.close();
  FACT(selected(two.writer), Mask("IN|OUT"));
}

CONFORMANCE(Select, BadDescriptor) {
  Selected seen = select_one(a_closed_number());
  FACT(seen.result == -1, Holds());
  FACT(ErrorCode{seen.error}, Error(EBADF));
}

CONFORMANCE(Select, Arguments) {
  timeval none{0, 0};
  FACT(select(-1, nullptr, nullptr, nullptr, &none), FailsWith(EINVAL));
  timeval negative{-1, 0};
  FACT(select(0, nullptr, nullptr, nullptr, &negative), FailsWith(EINVAL));
  FACT(select(0, nullptr, nullptr, nullptr, &none), Succeeds(0));
}

CONFORMANCE(Select, Timeout) {
  timeval timeout{0, 10'000};
  int64_t before = now_ns(CLOCK_MONOTONIC);
  FACT(select(0, nullptr, nullptr, nullptr, &timeout), Succeeds(0));
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 10'000'000, Holds());
  // select(2): on Linux what is left is written back.
  FACT(timeout.tv_sec == 0 && timeout.tv_usec == 0, Holds());
}

CONFORMANCE(Select, NumbersAtAndAboveTheLimitAreLeftAlone) {
  Fd counter = event_fd(1);
  fd_set reads;
  FD_ZERO(&reads);
  FD_SET(counter, &reads);
  timeval none{0, 0};
  FACT(select(counter, &reads, nullptr, nullptr, &none), Succeeds(0));
}

CONFORMANCE(Select, IsWokenByAWrite) {
  Pipe pipe;
  std::thread writer([&] {
    settle();
    char byte = 'x';
    must(write(pipe.writer, &byte, 1), "write");
  });
  fd_set reads;
  FD_ZERO(&reads);
  FD_SET(pipe.reader, &reads);
  timeval timeout{10, 0};
  FACT(select(pipe.reader + 1, &reads, nullptr, nullptr, &timeout), Succeeds(1));
  FACT(FD_ISSET(pipe.reader, &reads) != 0, Holds());
  writer.join();
}

}  // namespace
}  // namespace conformance

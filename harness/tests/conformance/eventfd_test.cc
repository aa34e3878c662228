// SPDX-License-Identifier: MIT
//
// eventfd(2); in the kernel eventfd_read, eventfd_write, eventfd_poll.
#include <sys/eventfd.h>

#include <cstring>
#include <thread>

#include "toolbox.h"

namespace conformance {
namespace {

constexpr uint64_t kMax = ~uint64_t{0};

ssize_t write_bytes(int fd, size_t count) {
  char bytes[32] = {1};
  return write(fd, bytes, count);
}

ssize_t read_bytes(int fd, size_t count) {
  char bytes[32];
  return read(fd, bytes, count);
}

CONFORMANCE(EventFd, Creation) {
  Fd plain(eventfd(0, 0)), with(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  FACT(fcntl(plain, F_GETFL), Succeeds(O_RDWR));
  FACT(fcntl(plain, F_GETFD), Succeeds(0));
  FACT(fcntl(with, F_GETFL), Succeeds(O_RDWR | O_NONBLOCK));
  FACT(fcntl(with, F_GETFD), Succeeds(FD_CLOEXEC));
  FACT(eventfd(0, 2), FailsWith(EINVAL));
}

CONFORMANCE(EventFd, FreshMasks) {
  Fd zero = event_fd(0), one = event_fd(1);
  FACT(ready(zero), Mask("OUT"));
  FACT(ready(one), Mask("IN|OUT"));
}

CONFORMANCE(EventFd, ReadTakesTheSum) {
  Fd counter = event_fd(3);
  FACT(add_to(counter, 4), Succeeds(8));
  FACT(add_to(counter, 5), Succeeds(8));
  FACT(take_from(counter), Succeeds(12));
  FACT(take_from(counter), FailsWith(EAGAIN));
  FACT(ready(counter), Mask("OUT"));
}

CONFORMANCE(EventFd, Sizes) {
  Fd counter = event_fd(2);
  FACT(write_bytes(counter, 7), FailsWith(EINVAL));
  FACT(write_bytes(counter, 0), FailsWith(EINVAL));
  FACT(read_bytes(counter, 7), FailsWith(EINVAL));
  FACT(read_bytes(counter, 16), Succeeds(8));
  FACT(read_bytes(counter, 8), FailsWith(EAGAIN));
  FACT(read_bytes(counter, 4), FailsWith(EINVAL));
}

CONFORMANCE(EventFd, Saturation) {
  Fd counter = event_fd();
  FACT(add_to(counter, kMax), FailsWith(EINVAL));
  FACT(add_to(counter, kMax - 1), Succeeds(8));
  FACT(ready(counter), Mask("IN"));
  FACT(add_to(counter, 1), FailsWith(EAGAIN));
  FACT(add_to(counter, 0), Succeeds(8));
  FACT(take_from(counter), Succeeds(-2));  // 2^64 - 2
  FACT(ready(counter), Mask("OUT"));
  FACT(add_to(counter, kMax - 2), Succeeds(8));
  FACT(ready(counter), Mask("IN|OUT"));
}

CONFORMANCE(EventFd, Semaphore) {
  Fd counter = event_fd(2, EFD_NONBLOCK | EFD_SEMAPHORE);
  FACT(take_from(counter), Succeeds(1));
  FACT(ready(counter), Mask("IN|OUT"));
  FACT(take_from(counter), Succeeds(1));
  FACT(take_from(counter), FailsWith(EAGAIN));
  add_to(counter, 3);
  FACT(take_from(counter), Succeeds(1));
}

CONFORMANCE(EventFd, EachWriteIsAnEdge) {
  Fd counter = event_fd();
  Epoll epoll;
  epoll.add(counter, EPOLLIN | EPOLLET);
  for (int i = 0; i < 3; i++) {
    add_to(counter, 1);
    FACT(epoll.wait(), Events("IN"));
    FACT(epoll.wait(), NoEvents());
  }
}

CONFORMANCE(EventFd, WriteOfZero) {
  // eventfd_write wakes whoever waits; whether it counts depends on what is there.
  Fd counter = event_fd();
  Epoll epoll;
  epoll.add(counter, EPOLLIN | EPOLLET);
  FACT(add_to(counter, 0), Succeeds(8));
  FACT(epoll.wait(), NoEvents());
  FACT(take_from(counter), FailsWith(EAGAIN));
  add_to(counter, 1);
  FACT(epoll.wait(), Events("IN"));
  add_to(counter, 0);
  FACT(epoll.wait(), Events("IN"));
}

CONFORMANCE(EventFd, EachReadIsAWriteEdge) {
  // eventfd_read wakes writers even when there was room before.
  Fd counter = event_fd(5);
  Epoll epoll;
  epoll.add(counter, EPOLLOUT | EPOLLET);
  FACT(epoll.wait(), Events("OUT"));
  FACT(epoll.wait(), NoEvents());
  take_from(counter);
  FACT(epoll.wait(), Events("OUT"));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(EventFd, AWriteIsNoEdgeForAWriter) {
  Fd counter = event_fd();
  Epoll epoll;
  epoll.add(counter, EPOLLOUT | EPOLLET);
  epoll.wait();
  add_to(counter, 1);
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(EventFd, ModifyAsAnInterrupt) {
  // A readable eventfd that is never read, and a MOD each time somebody is to be woken.
  Fd counter = event_fd(1);
  Epoll epoll;
  epoll.add(counter, EPOLLIN | EPOLLERR | EPOLLET);
  FACT(epoll.wait(), Events("IN"));
  epoll.modify(counter, EPOLLIN | EPOLLERR | EPOLLET);
  FACT(epoll.wait(), Events("IN"));
  epoll.modify(counter, EPOLLIN | EPOLLERR | EPOLLET);
  epoll.modify(counter, EPOLLIN | EPOLLERR | EPOLLET);
  FACT(epoll.wait(), Events("IN"));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(EventFd, DuplicatesShareTheCounter) {
  Fd counter = event_fd();
  Fd copy(dup(counter));
  add_to(counter, 6);
  FACT(take_from(copy), Succeeds(6));
  FACT(take_from(counter), FailsWith(EAGAIN));
}

CONFORMANCE(EventFd, LibraryCalls) {
  Fd counter = event_fd();
  eventfd_t value = 0;
  FACT(eventfd_write(counter, 11), Succeeds(0));
  FACT(eventfd_read(counter, &value), Succeeds(0));
  FACT(value, Succeeds(11));
  FACT(eventfd_read(counter, &value), FailsWith(EAGAIN));
}

CONFORMANCE(EventFd, BlockingRead) {
  Fd counter = event_fd(0, 0);
  long seen = 0;
  std::thread reader([&] { seen = take_from(counter); });
  settle();
  add_to(counter, 9);
  reader.join();
  FACT(seen, Succeeds(9));
}

CONFORMANCE(EventFd, BlockingWrite) {
  Fd counter = event_fd(0, 0);
  add_to(counter, kMax - 1);
  ssize_t seen = 0;
  std::thread writer([&] { seen = add_to(counter, 5); });
  settle();
  FACT(take_from(counter), Succeeds(-2));
  writer.join();
  FACT(seen, Succeeds(8));
  FACT(take_from(counter), Succeeds(5));
}

}  // namespace
}  // namespace conformance

// SPDX-License-Identifier: MIT
//
// epoll_ctl: its errors and their order, EPOLLEXCLUSIVE, nesting limits, and what a registration is
// bound to when descriptors are duplicated, closed and reused.
// epoll(7), epoll_ctl(2), epoll_create(2); in the kernel do_epoll_ctl, ep_find, ep_insert,
// eventpoll_release_file, ep_loop_check, ep_poll.
#include <string.h>
#include <sys/stat.h>

#include <thread>

#include "toolbox.h"

namespace conformance {
namespace {

int control(int epoll, int operation, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  return epoll_ctl(epoll, operation, fd, &event);
}

// Not to be seen through by a compiler that warns of arguments that can not be right.
[[gnu::noinline]] int wait_raw(int epoll, epoll_event* events, int count) {
  return epoll_wait(epoll, events, count, 0);
}

int a_closed_number() {
  Fd fd = event_fd();
  return fd;
}

// --- Errors.

CONFORMANCE(EpollRegistration, Creation) {
  FACT(epoll_create(0), FailsWith(EINVAL));
  FACT(epoll_create(-5), FailsWith(EINVAL));
  FACT(epoll_create1(1), FailsWith(EINVAL));
  Fd plain(epoll_create1(0)), closing(epoll_create1(EPOLL_CLOEXEC)), old(epoll_create(1));
  FACT(fcntl(plain, F_GETFD), Succeeds(0));
  FACT(fcntl(closing, F_GETFD), Succeeds(FD_CLOEXEC));
  FACT(fcntl(old, F_GETFD), Succeeds(0));
  FACT(fcntl(plain, F_GETFL), Succeeds(O_RDWR));
}

CONFORMANCE(EpollRegistration, TwiceAndNever) {
  Fd counter = event_fd();
  Epoll epoll;
  FACT(epoll.modify(counter, EPOLLIN), FailsWith(ENOENT));
  FACT(epoll.remove(counter), FailsWith(ENOENT));
  FACT(epoll.add(counter, EPOLLIN), Succeeds(0));
  FACT(epoll.add(counter, EPOLLIN), FailsWith(EEXIST));
  FACT(epoll.add(counter, EPOLLOUT | EPOLLET), FailsWith(EEXIST));
  FACT(epoll.remove(counter), Succeeds(0));
  FACT(epoll.remove(counter), FailsWith(ENOENT));
}

CONFORMANCE(EpollRegistration, BadDescriptors) {
  Fd counter = event_fd();
  Epoll epoll;
  FACT(epoll.add(-1, EPOLLIN), FailsWith(EBADF));
  FACT(epoll.add(a_closed_number(), EPOLLIN), FailsWith(EBADF));
  FACT(control(-1, EPOLL_CTL_ADD, counter, EPOLLIN), FailsWith(EBADF));
  FACT(control(counter, EPOLL_CTL_ADD, epoll, EPOLLIN), FailsWith(EINVAL));
  FACT(epoll.add(epoll, EPOLLIN), FailsWith(EINVAL));
}

CONFORMANCE(EpollRegistration, UnknownOperation) {
  Fd counter = event_fd();
  Epoll epoll;
  FACT(control(epoll, 0, counter, EPOLLIN), FailsWith(EINVAL));
  FACT(control(epoll, 4, counter, EPOLLIN), FailsWith(EINVAL));
}

CONFORMANCE(EpollRegistration, NoEventGiven) {
  Fd counter = event_fd();
  Epoll epoll;
  FACT(epoll_ctl(epoll, EPOLL_CTL_ADD, counter, nullptr), FailsWith(EFAULT));
  FACT(epoll.add(counter, EPOLLIN), Succeeds(0));
  FACT(epoll_ctl(epoll, EPOLL_CTL_MOD, counter, nullptr), FailsWith(EFAULT));
  FACT(epoll_ctl(epoll, EPOLL_CTL_DEL, counter, nullptr), Succeeds(0));
}

CONFORMANCE(EpollRegistration, OrderOfChecks) {
  // do_epoll_ctl: event, set, target, pollable, self or no set, exclusive, loop, present.
  Fd counter = event_fd();
  Epoll epoll;
  FACT(epoll_ctl(-1, EPOLL_CTL_ADD, -1, nullptr), FailsWith(EFAULT));
  FACT(control(-1, EPOLL_CTL_ADD, -1, EPOLLIN), FailsWith(EBADF));
  FACT(control(counter, EPOLL_CTL_ADD, -1, EPOLLIN), FailsWith(EBADF));
  FACT(control(counter, EPOLL_CTL_ADD, counter, EPOLLIN), FailsWith(EINVAL));
  FACT(control(epoll, 99, -1, EPOLLIN), FailsWith(EBADF));
  epoll.add(counter, EPOLLIN);
  FACT(epoll.add(counter, EPOLLEXCLUSIVE | EPOLLRDHUP), FailsWith(EINVAL));
}

CONFORMANCE(EpollRegistration, RegularFilesCanNotBeWatched) {
  Fd file(open("/proc/self/exe", O_RDONLY));
  Fd null(open("/dev/null", O_RDWR));
  Fd folder(open("/", O_RDONLY | O_DIRECTORY));
  Epoll epoll;
  FACT(epoll.add(file, EPOLLIN), FailsWith(EPERM));
  FACT(epoll.add(null, EPOLLIN), FailsWith(EPERM));
  FACT(epoll.add(folder, EPOLLIN), FailsWith(EPERM));
  FACT(ready(file), Mask("IN|OUT"));
}

CONFORMANCE(EpollRegistration, WaitChecksItsArguments) {
  Fd counter = event_fd();
  Epoll epoll;
  epoll_event events[4];
  FACT(wait_raw(epoll, events, 0), FailsWith(EINVAL));
  FACT(wait_raw(epoll, events, -1), FailsWith(EINVAL));
  FACT(wait_raw(counter, events, 1), FailsWith(EINVAL));
  FACT(wait_raw(-1, events, 1), FailsWith(EBADF));
  FACT(wait_raw(a_closed_number(), events, 1), FailsWith(EBADF));
}

CONFORMANCE(EpollRegistration, WaitIntoNowhere) {
  // Nothing is written when nothing is ready; otherwise the event stays for the next call.
  Fd counter = event_fd();
  Epoll epoll;
  epoll.add(counter, EPOLLIN | EPOLLET);
  epoll_event* nowhere = nullptr;
  FACT(wait_raw(epoll, nowhere, 1), Succeeds(0));
  add_to(counter, 1);
  FACT(wait_raw(epoll, nowhere, 1), FailsWith(EFAULT));
  FACT(epoll.wait(), Events("IN"));
}

CONFORMANCE(EpollRegistration, SetsAreNotReadOrWritten) {
  Epoll epoll;
  char byte = 0;
  FACT(read(epoll, &byte, 1), FailsWith(EINVAL));
  FACT(write(epoll, &byte, 1), FailsWith(EINVAL));
}

// --- EPOLLEXCLUSIVE: epoll_ctl(2), EPOLLEXCLUSIVE_OK_BITS.

CONFORMANCE(EpollRegistration, ExclusiveBits) {
  Fd counter = event_fd(1);
  Epoll epoll, other;
  FACT(epoll.add(counter, EPOLLEXCLUSIVE | EPOLLIN | EPOLLONESHOT), FailsWith(EINVAL));
  FACT(epoll.add(counter, EPOLLEXCLUSIVE | EPOLLIN | EPOLLRDHUP), FailsWith(EINVAL));
  FACT(epoll.add(counter, EPOLLEXCLUSIVE | EPOLLPRI), FailsWith(EINVAL));
  FACT(epoll.add(other, EPOLLEXCLUSIVE | EPOLLIN), FailsWith(EINVAL));
  FACT(epoll.add(counter, EPOLLEXCLUSIVE | EPOLLIN | EPOLLOUT | EPOLLET), Succeeds(0));
  FACT(epoll.wait(), Events("IN|OUT"));
}

CONFORMANCE(EpollRegistration, ExclusiveTellsAllWhenNobodyWaits) {
  // __wake_up_common stops at an exclusive entry that woke a waiter; ep_poll_callback wakes none
  // here.
  Fd counter = event_fd();
  Epoll first, second;
  first.add(counter, EPOLLEXCLUSIVE | EPOLLIN | EPOLLET);
  second.add(counter, EPOLLEXCLUSIVE | EPOLLIN | EPOLLET);
  add_to(counter, 1);
  FACT(first.wait(), Events("IN"));
  FACT(second.wait(), Events("IN"));
}

CONFORMANCE(EpollRegistration, ExclusiveWakesOneOfTheSets) {
  Fd counter = event_fd();
  Epoll first, second;
  first.add(counter, EPOLLEXCLUSIVE | EPOLLIN | EPOLLET);
  second.add(counter, EPOLLEXCLUSIVE | EPOLLIN | EPOLLET);
  EventList one{}, two{};
  std::thread a([&] { one = first.wait(150); }), b([&] { two = second.wait(150); });
  settle();
  add_to(counter, 1);
  a.join();
  b.join();
  FACT(one.events.size() + two.events.size(), Succeeds(1));
}

CONFORMANCE(EpollRegistration, ExclusiveIsNotModified) {
  Fd counter = event_fd(1), plain = event_fd(1);
  Epoll epoll;
  epoll.add(counter, EPOLLEXCLUSIVE | EPOLLIN);
  epoll.add(plain, EPOLLIN);
  FACT(epoll.modify(counter, EPOLLIN), FailsWith(EINVAL));
  FACT(epoll.modify(counter, EPOLLIN | EPOLLEXCLUSIVE), FailsWith(EINVAL));
  FACT(epoll.modify(plain, EPOLLIN | EPOLLEXCLUSIVE), FailsWith(EINVAL));
  FACT(epoll.remove(counter), Succeeds(0));
}

// --- Sets in sets.

CONFORMANCE(EpollRegistration, LoopsAreRefused) {
  Epoll a, b, c;
  FACT(a.add(b, EPOLLIN), Succeeds(0));
  FACT(b.add(a, EPOLLIN), FailsWith(ELOOP));
  FACT(b.add(c, EPOLLIN), Succeeds(0));
  FACT(c.add(a, EPOLLIN), FailsWith(ELOOP));
}

CONFORMANCE(EpollRegistration, NestingIsLimited) {
  // EP_MAX_NESTS is 4.
  Fd counter = event_fd();
  Epoll levels[6];
  levels[0].add(counter, EPOLLIN);
  FACT(levels[1].add(levels[0], EPOLLIN), Succeeds(0));
  FACT(levels[2].add(levels[1], EPOLLIN), Succeeds(0));
  FACT(levels[3].add(levels[2], EPOLLIN), Succeeds(0));
  FACT(levels[4].add(levels[3], EPOLLIN), Succeeds(0));
  FACT(levels[5].add(levels[4], EPOLLIN), FailsWith(ELOOP));
  add_to(counter, 1);
  FACT(levels[4].wait(), Events("IN"));
}

// --- The key is (open file, number).

CONFORMANCE(EpollRegistration, CloseEndsIt) {
  Fd counter = event_fd(1);
  Epoll epoll;
  epoll.add(counter, EPOLLIN);
  counter.close();
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(EpollRegistration, CloseWithADuplicateDoesNotEndIt) {
  Fd counter = event_fd(1);
  Fd copy(dup(counter));
  Epoll epoll;
  epoll.add(counter, EPOLLIN, 1);
  int number = counter;
  counter.close();
  FACT(epoll.wait(), Events("1:IN"));
  FACT(epoll.remove(number), FailsWith(EBADF));
  FACT(epoll.remove(copy), FailsWith(ENOENT));
  FACT(epoll.modify(copy, EPOLLIN), FailsWith(ENOENT));
  FACT(epoll.add(copy, EPOLLIN, 2), Succeeds(0));
  take_from(copy);
  add_to(copy, 1);
  FACT(epoll.wait().result, Succeeds(2));
  copy.close();
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(EpollRegistration, DuplicatesAreRegisteredApart) {
  Fd counter = event_fd();
  Fd copy(dup(counter));
  Epoll epoll;
  FACT(epoll.add(counter, EPOLLIN, 1), Succeeds(0));
  FACT(epoll.add(copy, EPOLLIN, 2), Succeeds(0));
  add_to(counter, 1);
  FACT(epoll.wait().result, Succeeds(2));
  FACT(epoll.remove(copy), Succeeds(0));
  FACT(epoll.wait(), Events("1:IN"));
}

CONFORMANCE(EpollRegistration, ReusedNumberBesideAStaleItem) {
  Fd counter = event_fd(1);
  Fd copy(dup(counter));
  Epoll epoll;
  epoll.add(counter, EPOLLIN | EPOLLET, 1);
  FACT(epoll.wait(), Events("1:IN"));
  int number = counter;
  counter.close();
  Fd fresh = event_fd(1);
  FACT(fresh == number, Holds());
  FACT(epoll.add(fresh, EPOLLIN | EPOLLET, 2), Succeeds(0));
  FACT(epoll.wait(), Events("2:IN"));
  add_to(copy, 1);
  FACT(epoll.wait(), Events("1:IN"));
  FACT(epoll.remove(fresh), Succeeds(0));
}

CONFORMANCE(EpollRegistration, Dup2OverARegisteredNumber) {
  Fd counter = event_fd(1), fresh = event_fd(1);
  Epoll epoll;
  epoll.add(counter, EPOLLIN, 1);
  FACT(dup2(fresh, counter) == counter, Holds());
  FACT(epoll.wait(), NoEvents());
  FACT(epoll.modify(counter, EPOLLIN), FailsWith(ENOENT));
  FACT(epoll.add(counter, EPOLLIN, 2), Succeeds(0));
  FACT(epoll.wait(), Events("2:IN"));
}

CONFORMANCE(EpollRegistration, BackAtTheOldNumber) {
  Fd counter = event_fd(1);
  Fd copy(dup(counter));
  Epoll epoll;
  epoll.add(counter, EPOLLIN, 1);
  int number = counter.release();
  close(number);
  counter = Fd(dup2(copy, number));
  FACT(epoll.add(counter, EPOLLIN), FailsWith(EEXIST));
  FACT(epoll.modify(counter, EPOLLIN, 3), Succeeds(0));
  FACT(epoll.wait(), Events("3:IN"));
}

CONFORMANCE(EpollRegistration, DuplicateOfTheSetIsTheSameSet) {
  Fd counter = event_fd(1);
  Epoll epoll;
  Fd copy(dup(epoll));
  FACT(control(copy, EPOLL_CTL_ADD, counter, EPOLLIN), Succeeds(0));
  FACT(epoll.add(counter, EPOLLIN), FailsWith(EEXIST));
  FACT(epoll.wait(), Events("IN"));
  epoll.close();
  epoll_event event{};
  FACT(wait_raw(copy, &event, 1), Succeeds(1));
}

CONFORMANCE(EpollRegistration, ClosingTheSetLeavesTheFiles) {
  Fd counter = event_fd(1);
  Epoll first, second;
  first.add(counter, EPOLLIN);
  second.add(counter, EPOLLIN);
  FACT(first.wait(), Events("IN"));
  FACT(first.close(), Succeeds(0));
  FACT(second.wait(), Events("IN"));
  FACT(take_from(counter), Succeeds(1));
}

CONFORMANCE(EpollRegistration, ClosingAnInnerSet) {
  Fd counter = event_fd(1);
  Epoll inner, outer;
  inner.add(counter, EPOLLIN);
  outer.add(inner, EPOLLIN);
  FACT(outer.wait(), Events("IN"));
  inner.close();
  FACT(outer.wait(), NoEvents());
}

CONFORMANCE(EpollRegistration, WakeupBitIsDropped) {
  // epoll_ctl(2): without CAP_BLOCK_SUSPEND it is ignored; with it, it changes nothing here.
  Fd counter = event_fd(1);
  Epoll epoll;
  FACT(epoll.add(counter, EPOLLIN | EPOLLWAKEUP), Succeeds(0));
  FACT(epoll.wait(), Events("IN"));
}

}  // namespace
}  // namespace conformance

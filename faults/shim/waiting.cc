// SPDX-License-Identifier: MIT
//
// Entry points that wait for descriptors: epoll, poll, select.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>

#include <csignal>

#include "shim/entry.h"

using namespace pollux::shim;

extern "C" [[noreturn]] void __chk_fail() noexcept;

// What the kernel is told about the size of a signal set; libc's own type is larger.
static constexpr size_t kKernelSigsetBytes = _NSIG / 8;

// --- epoll

POLLUX_ENTRY int epoll_create1(int flags) noexcept {
  return result(call(SYS_epoll_create1, flags));
}

POLLUX_ENTRY int epoll_create(int size) noexcept {
  // The size is a hint that must be positive (epoll_create(2)).
  return result(size <= 0 ? -EINVAL : call(SYS_epoll_create1, 0));
}

POLLUX_ENTRY int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  return result(call_on(__func__, SYS_epoll_ctl, epoll, operation, fd, event));
}

POLLUX_ENTRY int epoll_wait(int epoll, epoll_event* events, int count, int timeout_ms) {
#ifdef SYS_epoll_wait
  return result(call_on(__func__, SYS_epoll_wait, epoll, events, count, timeout_ms));
#else
  return result(call_on(__func__, SYS_epoll_pwait, epoll, events, count, timeout_ms, nullptr,
                        kKernelSigsetBytes));
#endif
}

POLLUX_ENTRY int epoll_pwait(int epoll, epoll_event* events, int count, int timeout_ms,
                             const sigset_t* mask) {
  return result(call_on(__func__, SYS_epoll_pwait, epoll, events, count, timeout_ms, mask,
                        kKernelSigsetBytes));
}

POLLUX_ENTRY int epoll_pwait2(int epoll, epoll_event* events, int count, const timespec* timeout,
                              const sigset_t* mask) {
  return result(
      call_on(__func__, SYS_epoll_pwait2, epoll, events, count, timeout, mask, kKernelSigsetBytes));
}

// --- poll

static void refuse_foreign_poll(const char* name, const pollfd* fds, nfds_t count) {
  if (__builtin_expect(pollux_run_carrier == 0, 1) || in_run()) return;
  for (nfds_t i = 0; i < count; ++i) refuse_foreign_thread(name, fds[i].fd);
}

POLLUX_ENTRY int poll(pollfd* fds, nfds_t count, int timeout_ms) {
  refuse_foreign_poll(__func__, fds, count);
#ifdef SYS_poll
  return result(call(SYS_poll, fds, count, timeout_ms));
#else
  timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1'000'000L};
  return result(call(SYS_ppoll, fds, count, timeout_ms < 0 ? nullptr : &timeout, nullptr,
                     kKernelSigsetBytes));
#endif
}
POLLUX_ENTRY int __poll(pollfd*, nfds_t, int) __attribute__((alias("poll")));
POLLUX_ENTRY int __poll_chk(pollfd* fds, nfds_t count, int timeout_ms, size_t have) {
  if (have / sizeof *fds < count) __chk_fail();
  return poll(fds, count, timeout_ms);
}

POLLUX_ENTRY int ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  refuse_foreign_poll(__func__, fds, count);
  // The kernel writes the time that was left; libc keeps the caller's (select(2), "The pselect()
  // glibc wrapper").
  timespec copy;
  if (timeout != nullptr) copy = *timeout;
  return result(
      call(SYS_ppoll, fds, count, timeout == nullptr ? nullptr : &copy, mask, kKernelSigsetBytes));
}
POLLUX_ENTRY int __ppoll_chk(pollfd* fds, nfds_t count, const timespec* timeout,
                             const sigset_t* mask, size_t have) {
  if (have / sizeof *fds < count) __chk_fail();
  return ppoll(fds, count, timeout, mask);
}

// --- select

static void refuse_foreign_select(const char* name, int count, const fd_set* set) {
  if (set == nullptr) return;
  for (int fd = 0; fd < count && fd < FD_SETSIZE; ++fd) {
    if (FD_ISSET(fd, set)) refuse_foreign_thread(name, fd);
  }
}

static long select_until(const char* name, int count, fd_set* reads, fd_set* writes,
                         fd_set* exceptions, timespec* timeout, const sigset_t* mask) {
  if (__builtin_expect(pollux_run_carrier != 0, 0) && !in_run()) {
    for (const fd_set* set : {reads, writes, exceptions}) refuse_foreign_select(name, count, set);
  }
  // The mask and its size travel behind one pointer (pselect(2)).
  struct {
    const sigset_t* mask;
    size_t bytes;
  } mask_argument = {mask, kKernelSigsetBytes};
  return call(SYS_pselect6, count, reads, writes, exceptions, timeout, &mask_argument);
}

POLLUX_ENTRY int select(int count, fd_set* reads, fd_set* writes, fd_set* exceptions,
                        timeval* timeout) {
  timespec left;
  if (timeout != nullptr) {
    if (timeout->tv_sec < 0 || timeout->tv_usec < 0) return result(-EINVAL);
    // More than a second of microseconds is accepted (kernel kern_select).
    left = {timeout->tv_sec + timeout->tv_usec / 1'000'000, timeout->tv_usec % 1'000'000 * 1000};
  }
  long value = select_until(__func__, count, reads, writes, exceptions,
                            timeout == nullptr ? nullptr : &left, nullptr);
  if (timeout != nullptr) *timeout = {left.tv_sec, left.tv_nsec / 1000};
  return result(value);
}
POLLUX_ENTRY int __select(int, fd_set*, fd_set*, fd_set*, timeval*)
    __attribute__((alias("select")));

POLLUX_ENTRY int pselect(int count, fd_set* reads, fd_set* writes, fd_set* exceptions,
                         const timespec* timeout, const sigset_t* mask) {
  timespec copy;
  if (timeout != nullptr) copy = *timeout;
  return result(select_until(__func__, count, reads, writes, exceptions,
                             timeout == nullptr ? nullptr : &copy, mask));
}

// SPDX-License-Identifier: MIT
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>

#include "explore/kernel_order.h"
#include "kernel/calls.h"
#include "kernel/clocks.h"
#include "kernel/epoll.h"
#include "kernel/fault_points.h"
#include "kernel/host.h"
#include "kernel/signals.h"
#include "kernel/tcp.h"
#include "pollux/shim/raw_system_call.h"

namespace pollux::kernel {
namespace {

// EPOLLEXCLUSIVE_OK_BITS and EPOLLINOUT_BITS.
constexpr uint32_t kExclusiveBits =
    EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
constexpr int kMaxEvents = INT32_MAX / static_cast<int>(sizeof(epoll_event));
constexpr unsigned kLevelsMax = 5;

EpollSet* as_epoll(File* file) {
  return file->kind() == Kind::epoll ? static_cast<EpollSet*>(file) : nullptr;
}

long create_set(bool close_on_exec) {
  if (no_descriptor_free()) return -EMFILE;
  return install(EpollSet::create(explore::current_host()), close_on_exec);
}

// `timeout` in ns, negative: for ever.
long wait_for_events(const Arguments& a, Time timeout) {
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  int max = a.integer(2);
  EpollSet* set = as_epoll(file);
  if (set == nullptr || max <= 0 || max > kMaxEvents) return -EINVAL;
  if (fault(faults::k_linux_io_epoll_wait_eintr_lie)) return -EINTR;

  auto* target = a.pointer<epoll_event>(1);
  FileReference reference(file);
  Time deadline = kNever;
  bool may_block = timeout != 0;
  bool started = false;
  bool by_stop = false;
  for (;;) {
    // Also once more after the time is over: a wake-up may have lost the race (ep_poll).
    if (set->first_ready() != nullptr) {
      long count = set->harvest(target, max);
      if (count != 0) {
        if (count > 0) count_spin("epoll_wait", true);
        explore::kernel_acquire(set);
        return count;
      }
    }
    if (by_stop) return -EINTR;
    if (!may_block) {
      if (timeout == 0) count_spin("epoll_wait", false);
      return 0;
    }
    if (explore::signal_pending()) return -EINTR;  // never repeated after a handler
    if (!started) {
      started = true;
      if (timeout > 0) deadline = late(after(timeout));
    }
    // The process is stopped and goes on, or a signal comes that the twin has no handler for but
    // whoever injects it has: what comes of it is the same. Readiness that comes first wins.
    Time until = deadline;
    bool stops = false;
    if (fault(faults::k_linux_io_epoll_wait_eintr)) {
      Time signal = now() + network_delay();
      if (signal < until) {
        until = signal;
        stops = true;
      }
    }
    Time before = now();
    bool woken = set->wait_ready(until);
    if (now() != before) progress();
    if (!woken) (stops ? by_stop : may_block) = stops;
  }
}

// A descriptor of the real kernel: a file or directory can never be watched.
long refuse_real_target(int fd) {
  struct stat status;
  if (shim::raw_system_call(SYS_fstat, fd, reinterpret_cast<long>(&status)) < 0) return -EBADF;
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) return -EPERM;
  unmodelled("epoll_ctl on a descriptor of the real kernel");
}

long mask_of(const Arguments& a, const SignalSet** mask) {
  *mask = a.pointer<const SignalSet>(4);
  if (*mask == nullptr) return 0;
  if (a[5] != static_cast<long>(kSignalSetBytes)) return -EINVAL;
  return bad_address(*mask) ? -EFAULT : 0;
}

}  // namespace

long call_epoll_create(const Arguments& a) {
  return a.integer(0) <= 0 ? -EINVAL : create_set(false);
}

long call_epoll_create1(const Arguments& a) {
  if ((a.integer(0) & ~EPOLL_CLOEXEC) != 0) return -EINVAL;
  return create_set((a.integer(0) & EPOLL_CLOEXEC) != 0);
}

long call_epoll_ctl(const Arguments& a) {  // the order of checks is do_epoll_ctl's
  int operation = a.integer(1);
  int fd = a.integer(2);
  const auto* from = a.pointer<const epoll_event>(3);
  bool has_event = operation != EPOLL_CTL_DEL;
  epoll_event event{};
  if (has_event) {
    if (bad_address(from)) return -EFAULT;
    event = *from;
  }
  File* set_file = get_file(a.integer(0));
  if (set_file == nullptr) return -EBADF;
  if (fd >= 0 && !is_twin_fd(fd)) return refuse_real_target(fd);
  File* file = get_file(fd);
  if (file == nullptr) return -EBADF;
  if (file->kind() == Kind::device) return -EPERM;      // file_can_poll
  event.events &= ~static_cast<uint32_t>(EPOLLWAKEUP);  // without CAP_BLOCK_SUSPEND
  EpollSet* set = as_epoll(set_file);
  if (file == set_file || set == nullptr) return -EINVAL;
  if (has_event && (event.events & EPOLLEXCLUSIVE) != 0) {
    if (operation == EPOLL_CTL_MOD) return -EINVAL;
    if (operation == EPOLL_CTL_ADD &&
        (file->kind() == Kind::epoll || (event.events & ~kExclusiveBits) != 0)) {
      return -EINVAL;
    }
  }
  if (operation == EPOLL_CTL_ADD && file->kind() == Kind::epoll) {  // ep_loop_check
    unsigned below = static_cast<EpollSet*>(file)->depth_below(set, 0);
    if (below == kEpollTooDeep || below + 1 + set->depth_above() > kLevelsMax) return -ELOOP;
  }
  explore::kernel_release(set);
  EpollItem* item = set->find(file, fd);
  switch (operation) {
    case EPOLL_CTL_ADD:
      if (item != nullptr) return -EEXIST;
      set->add(file, fd, event.events | EPOLLERR | EPOLLHUP, event.data.u64);
      return 0;
    case EPOLL_CTL_DEL:
      if (item == nullptr) return -ENOENT;
      forget_item(item);
      return 0;
    case EPOLL_CTL_MOD:
      if (item == nullptr) return -ENOENT;
      if (item->is_exclusive()) return -EINVAL;
      set->modify(item, event.events | EPOLLERR | EPOLLHUP, event.data.u64);
      return 0;
    default:
      return -EINVAL;
  }
}

long call_epoll_wait(const Arguments& a) {
  int timeout = a.integer(3);
  return wait_for_events(a, timeout < 0 ? -1 : timeout * 1'000'000LL);
}

long call_epoll_pwait(const Arguments& a) {
  const SignalSet* mask;
  if (long error = mask_of(a, &mask); error != 0) return error;
  TemporaryMask during(mask);
  return during.ends(call_epoll_wait(a));
}

long call_epoll_pwait2(const Arguments& a) {
  const auto* timeout = a.pointer<const timespec>(3);
  Time wait = -1;
  if (timeout != nullptr) {
    if (bad_address(timeout)) return -EFAULT;
    if (!explore::is_valid(*timeout)) return -EINVAL;
    wait = explore::duration_of(*timeout);
  }
  const SignalSet* mask;
  if (long error = mask_of(a, &mask); error != 0) return error;
  TemporaryMask during(mask);
  return during.ends(wait_for_events(a, wait));
}

}  // namespace pollux::kernel

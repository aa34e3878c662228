// SPDX-License-Identifier: MIT
#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include <cerrno>

#include "kernel/calls.h"
#include "kernel/host.h"
#include "kernel/poll_set.h"
#include "kernel/signals.h"
#include "pollux/shim/raw_system_call.h"
#include "trace/recorder.h"

namespace pollux::kernel {

PollSet::~PollSet() {
  for (PollEntry& entry : entries_) {
    if (linked_) File::remove_poller(&entry);
    entry.file->drop();
  }
}

void PollSet::watch(File* file, uint32_t events) {
  file->hold();
  PollEntry entry;
  entry.file = file;
  entry.events = events;
  entries_.push_back(entry);
}

bool PollSet::wait(Time deadline) {
  if (!linked_) {
    linked_ = true;
    for (PollEntry& entry : entries_) {
      entry.sleeper = this;
      entry.file->add_poller(&entry);
    }
  }
  return sleep_on(explore::Why::io, this, deadline);
}

namespace {

constexpr uint32_t kAlways = EPOLLERR | EPOLLHUP;

// Fills revents; returns how many are not zero.
int scan(pollfd* fds, unsigned long count) {
  int ready = 0;
  for (unsigned long i = 0; i < count; ++i) {
    fds[i].revents = 0;
    if (fds[i].fd < 0) continue;
    File* file = get_file(fds[i].fd);
    uint32_t mask = POLLNVAL;
    if (file != nullptr) {
      mask = file->poll() & (static_cast<uint16_t>(fds[i].events) | kAlways);
      file->reported |= mask;
      if (mask != 0) file->learn();
    }
    fds[i].revents = static_cast<short>(mask);
    if (mask != 0) {
      ++ready;
      trace::recorder.mix(static_cast<uint64_t>(fds[i].fd) << 32 | mask);
    }
  }
  return ready;
}

enum class Owner { nobody, twin, real, both };

Owner owner_of(const pollfd* fds, unsigned long count) {
  bool twin = false, real = false;
  for (unsigned long i = 0; i < count; ++i) {
    if (fds[i].fd >= 0) (is_twin_fd(fds[i].fd) ? twin : real) = true;
  }
  if (twin && real) return Owner::both;
  return twin ? Owner::twin : real ? Owner::real : Owner::nobody;
}

long poll_files(pollfd* fds, unsigned long count, Time timeout) {
  if (count > static_cast<unsigned long>(current().fds.limit())) return -EINVAL;
  if (count != 0 && bad_address(fds)) return -EFAULT;
  int ready = scan(fds, count);
  if (ready != 0 || timeout == 0) {
    count_spin("poll", ready != 0);
    return ready == 0 && explore::signal_pending() ? -EINTR : ready;
  }
  Time deadline = timeout < 0 ? kNever : late(after(timeout));
  PollSet set;
  for (unsigned long i = 0; i < count; ++i) {
    if (fds[i].fd < 0) continue;
    if (File* file = get_file(fds[i].fd)) {
      set.watch(file, static_cast<uint16_t>(fds[i].events) | kAlways);
    }
  }
  Time before = now();
  for (;;) {
    bool woken = set.wait(deadline);
    if (now() != before) progress();
    ready = scan(fds, count);
    if (ready != 0) break;
    if (explore::signal_pending()) return -EINTR;  // never repeated after a handler
    if (!woken) break;
  }
  if (ready != 0) count_spin("poll", true);
  return ready;
}

}  // namespace

long call_poll(const Arguments& a) {
  auto* fds = a.pointer<pollfd>(0);
  auto count = static_cast<unsigned long>(static_cast<unsigned>(a[1]));
  int timeout = a.integer(2);
  if (!bad_address(fds)) {
    Owner owner = owner_of(fds, count);
    if (owner == Owner::both) unmodelled("poll on descriptors of the twin and the real kernel");
    if (owner == Owner::real) return shim::raw_system_call(SYS_poll, a[0], a[1], a[2]);
  }
  return poll_files(fds, count, timeout < 0 ? -1 : timeout * 1'000'000LL);
}

long call_ppoll(const Arguments& a) {
  auto* fds = a.pointer<pollfd>(0);
  auto count = static_cast<unsigned long>(static_cast<unsigned>(a[1]));
  auto* timeout = a.pointer<timespec>(2);
  if (!bad_address(fds)) {
    Owner owner = owner_of(fds, count);
    if (owner == Owner::both) unmodelled("ppoll on descriptors of the twin and the real kernel");
    if (owner == Owner::real) return shim::raw_system_call(SYS_ppoll, a[0], a[1], a[2], a[3], a[4]);
  }
  if (timeout != nullptr) {
    if (bad_address(timeout)) return -EFAULT;
    if (!explore::is_valid(*timeout)) return -EINVAL;
  }
  const auto* mask = a.pointer<const SignalSet>(3);
  if (mask != nullptr && a[4] != static_cast<long>(kSignalSetBytes)) return -EINVAL;
  if (mask != nullptr && bad_address(mask)) return -EFAULT;
  TemporaryMask during(mask);
  if (timeout == nullptr) return during.ends(poll_files(fds, count, -1));
  Time wait = explore::duration_of(*timeout);
  Time end = after(wait);
  long result = during.ends(poll_files(fds, count, wait));
  *timeout = explore::to_timespec(end > now() ? end - now() : 0);  // poll_select_finish
  return result;
}

}  // namespace pollux::kernel

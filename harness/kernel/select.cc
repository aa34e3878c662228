// SPDX-License-Identifier: MIT
//
// select and pselect6 (fs/select.c). A bit beyond the host's table of descriptors is ignored, a
// closed descriptor inside it is EBADF.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernel/calls.h"
#include "kernel/host.h"
#include "kernel/poll_set.h"
#include "kernel/signals.h"
#include "pollux/shim/raw_system_call.h"
#include "trace/recorder.h"

namespace pollux::kernel {
namespace {

// POLLIN_SET, POLLOUT_SET, POLLEX_SET.
constexpr uint32_t kMasks[3] = {EPOLLRDNORM | EPOLLRDBAND | EPOLLIN | EPOLLHUP | EPOLLERR,
                                EPOLLWRBAND | EPOLLWRNORM | EPOLLOUT | EPOLLERR, EPOLLPRI};
constexpr int kWordBits = 64;
constexpr int kWordsMax = (kFdBase + kFdCount) / kWordBits;

using Bits = uint64_t;

struct Request {
  int count = 0;  // of descriptors looked at
  Bits* sets[3] = {};
  Bits in[3][kWordsMax];
  Bits out[3][kWordsMax];

  int words() const { return (count + kWordBits - 1) / kWordBits; }
  bool asks(int which, int fd) const {
    return sets[which] != nullptr && (in[which][fd / kWordBits] >> (fd % kWordBits) & 1) != 0;
  }
};

uint32_t wanted(const Request& request, int fd) {
  uint32_t mask = 0;
  for (int which = 0; which < 3; ++which) {
    if (request.asks(which, fd)) mask |= kMasks[which];
  }
  return mask;
}

int scan(Request& request) {
  int ready = 0;
  for (int which = 0; which < 3; ++which) {
    std::fill_n(request.out[which], request.words(), 0);
  }
  for (int fd = kFdBase; fd < request.count; ++fd) {
    if (wanted(request, fd) == 0) continue;
    File* file = get_file(fd);
    if (file == nullptr) continue;  // closed while we waited
    uint32_t mask = file->poll();
    file->reported |= mask & wanted(request, fd);
    if ((mask & wanted(request, fd)) != 0) file->learn();
    for (int which = 0; which < 3; ++which) {
      if (!request.asks(which, fd) || (mask & kMasks[which]) == 0) continue;
      request.out[which][fd / kWordBits] |= Bits{1} << (fd % kWordBits);
      trace::recorder.mix(static_cast<uint64_t>(fd) << 8 | static_cast<uint64_t>(which));
      ++ready;
    }
  }
  return ready;
}

// `timeout` in ns, negative: for ever.
long select_files(int count, Bits* const (&sets)[3], Time timeout) {
  if (count < 0) return -EINVAL;
  // On the heap: the program's stack may be small.
  auto request = std::make_unique<Request>();
  // select(2): bits beyond the table are silently ignored.
  int table = (current().fds.end() + kWordBits - 1) / kWordBits * kWordBits;
  request->count = std::min(count, table);
  for (int which = 0; which < 3; ++which) {
    request->sets[which] = sets[which];
    if (sets[which] == nullptr) continue;
    if (bad_address(sets[which])) return -EFAULT;
    std::copy_n(sets[which], request->words(), request->in[which]);
    // Whole words were copied; the bits from `count` on do not count.
    if (int used = request->count % kWordBits; used != 0) {
      request->in[which][request->words() - 1] &= (Bits{1} << used) - 1;
    }
  }
  for (int fd = 0; fd < request->count; ++fd) {
    if (wanted(*request, fd) == 0) continue;
    if (fd < kFdBase) unmodelled("select on descriptors of the twin and the real kernel");
    if (get_file(fd) == nullptr) return -EBADF;
  }
  int ready = scan(*request);
  if (ready == 0 && timeout != 0) {
    Time deadline = timeout < 0 ? kNever : late(after(timeout));
    PollSet set;
    for (int fd = kFdBase; fd < request->count; ++fd) {
      if (uint32_t mask = wanted(*request, fd)) set.watch(get_file(fd), mask);
    }
    Time before = now();
    for (;;) {
      bool woken = set.wait(deadline);
      if (now() != before) progress();
      ready = scan(*request);
      if (ready != 0) break;
      if (explore::signal_pending()) return -EINTR;  // never repeated after a handler
      if (!woken) break;
    }
    if (ready != 0) count_spin("select", true);
  } else {
    count_spin("select", ready != 0);
    if (ready == 0 && explore::signal_pending()) return -EINTR;
  }
  for (int which = 0; which < 3; ++which) {
    if (sets[which] != nullptr) std::copy_n(request->out[which], request->words(), sets[which]);
  }
  return ready;
}

// Only real descriptors, or the same call on the twin?
bool only_real(int count, Bits* const (&sets)[3]) {
  bool any = false;
  for (Bits* set : sets) {
    if (set == nullptr || bad_address(set)) continue;
    for (int word = 0; word * kWordBits < count; ++word) {
      Bits bits = set[word];
      if (int used = count - word * kWordBits; used < kWordBits) bits &= (Bits{1} << used) - 1;
      if (bits == 0) continue;
      if (word * kWordBits >= kFdBase) return false;
      any = true;
    }
  }
  return any;
}

// The mask and its size travel behind one pointer (pselect(2)).
long mask_of(const Arguments& a, const SignalSet** mask) {
  struct MaskArgument {
    const SignalSet* mask;
    size_t bytes;
  };
  *mask = nullptr;
  const auto* argument = a.pointer<const MaskArgument>(5);
  if (argument == nullptr) return 0;
  if (bad_address(argument)) return -EFAULT;
  if (argument->mask == nullptr) return 0;
  if (argument->bytes != kSignalSetBytes) return -EINVAL;
  if (bad_address(argument->mask)) return -EFAULT;
  *mask = argument->mask;
  return 0;
}

}  // namespace

long call_select(const Arguments& a) {
  Bits* sets[3] = {a.pointer<Bits>(1), a.pointer<Bits>(2), a.pointer<Bits>(3)};
  auto* timeout = a.pointer<timeval>(4);
  if (only_real(a.integer(0), sets)) {
    return shim::raw_system_call(SYS_select, a[0], a[1], a[2], a[3], a[4]);
  }
  if (timeout == nullptr) return select_files(a.integer(0), sets, -1);
  if (bad_address(timeout)) return -EFAULT;
  if (timeout->tv_sec < 0 || timeout->tv_usec < 0) return -EINVAL;
  Time wait = explore::duration_of(
      {timeout->tv_sec + timeout->tv_usec / 1'000'000, timeout->tv_usec % 1'000'000 * 1000});
  Time end = after(wait);
  long result = select_files(a.integer(0), sets, wait);
  Time left = end > now() ? end - now() : 0;
  *timeout = {left / explore::kSecond, left % explore::kSecond / 1000};
  return result;
}

long call_pselect6(const Arguments& a) {
  Bits* sets[3] = {a.pointer<Bits>(1), a.pointer<Bits>(2), a.pointer<Bits>(3)};
  auto* timeout = a.pointer<timespec>(4);
  if (only_real(a.integer(0), sets)) {
    return shim::raw_system_call(SYS_pselect6, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
  if (timeout != nullptr) {
    if (bad_address(timeout)) return -EFAULT;
    if (!explore::is_valid(*timeout)) return -EINVAL;
  }
  const SignalSet* mask;
  if (long error = mask_of(a, &mask); error != 0) return error;
  TemporaryMask during(mask);
  if (timeout == nullptr) return during.ends(select_files(a.integer(0), sets, -1));
  Time wait = explore::duration_of(*timeout);
  Time end = after(wait);
  long result = during.ends(select_files(a.integer(0), sets, wait));
  *timeout = explore::to_timespec(end > now() ? end - now() : 0);
  return result;
}

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
//
// Threads, limits and randomness as far as system calls show them.
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cerrno>

#include "explore/futex.h"
#include "kernel/calls.h"
#include "kernel/device.h"
#include "kernel/host.h"
#include "kernel/state.h"
#include "pollux/shim/raw_system_call.h"
#include "trace/recorder.h"

namespace pollux::kernel {
namespace {

long own_tid() { return state.first_tid + explore::current_thread(); }

}  // namespace

long call_futex(const Arguments& a) {
  return explore::futex(a.pointer<uint32_t>(0), a.integer(1), static_cast<uint32_t>(a[2]),
                        a.pointer<const timespec>(3), a.pointer<uint32_t>(4),
                        static_cast<uint32_t>(a[5]));
}

long call_gettid(const Arguments&) { return own_tid(); }

long call_sched_yield(const Arguments&) {
  explore::yield();
  return 0;
}

long call_getrandom(const Arguments& a) {
  if ((a.integer(2) & ~7) != 0) return -EINVAL;
  auto size = static_cast<size_t>(a[1]);
  if (size == 0) return 0;
  if (bad_address(a.pointer<void>(0))) return -EFAULT;
  random_bytes(a.pointer<char>(0), size);
  trace::recorder.mix_bytes(a.pointer<char>(0), size);
  return static_cast<long>(size);
}

// The fallback that libuv and libev have for kernels without it.
long call_io_uring_setup(const Arguments&) { return -ENOSYS; }

long call_prlimit64(const Arguments& a) {
  if (a.integer(1) != RLIMIT_NOFILE) {
    return shim::raw_system_call(SYS_prlimit64, a[0], a[1], a[2], a[3]);
  }
  FdTable& fds = current().fds;
  const auto* wanted = a.pointer<const rlimit>(2);
  rlimit value{};
  if (wanted != nullptr) {
    if (bad_address(wanted)) return -EFAULT;
    value = *wanted;
    if (value.rlim_cur > value.rlim_max) return -EINVAL;
  }
  if (auto* old = a.pointer<rlimit>(3)) {
    if (bad_address(old)) return -EFAULT;
    *old = {static_cast<rlim_t>(fds.limit()), kFdBase + kFdCount};
  }
  if (wanted != nullptr) {
    if (value.rlim_max > kFdBase + kFdCount) return -EPERM;
    fds.set_limit(static_cast<int>(value.rlim_cur));
  }
  return 0;
}

long call_getrlimit(const Arguments& a) { return call_prlimit64({{0, a[0], 0, a[1], 0, 0}}); }

long call_setrlimit(const Arguments& a) { return call_prlimit64({{0, a[0], a[1], 0, 0, 0}}); }

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
#include "kernel/user_memory.h"

#include <sys/syscall.h>

#include <cerrno>

#include "kernel/buffers.h"
#include "pollux/shim/raw_system_call.h"

namespace pollux::kernel {
namespace {

constexpr uintptr_t kPage = 1 << kPageBits;
// A mistaken size is mostly a negative number, and always more than what anybody sends at once.
constexpr size_t kOrdinary = size_t{16} << 20;

// mincore(2) knows what is mapped, whatever is in memory.
bool is_mapped(uintptr_t address) {
  unsigned char resident;
  return shim::raw_system_call(SYS_mincore, static_cast<long>(address & ~(kPage - 1)), kPage,
                               reinterpret_cast<long>(&resident)) == 0;
}

// rt_sigprocmask(2) reads the set before it finds out that it is not asked for anything.
bool is_readable(uintptr_t page) {
  constexpr long kNothing = 99, kSetBytes = 8;
  return shim::raw_system_call(SYS_rt_sigprocmask, kNothing, static_cast<long>(page << kPageBits),
                               0, kSetBytes) != -EFAULT;
}

}  // namespace

uintptr_t known_pages[kKnownPages];

bool look_at_page(uintptr_t page) {
  if (!is_readable(page)) return false;
  known_pages[page % kKnownPages] = page;
  return true;
}

bool all_there(const Buffers& buffers) {
  if (buffers.total <= kOrdinary) return true;
  for (size_t i = 0; i < buffers.count; ++i) {
    const iovec& piece = buffers.vector[i];
    const auto begin = reinterpret_cast<uintptr_t>(piece.iov_base);
    if (piece.iov_len != 0 && !is_mapped(begin + piece.iov_len - 1)) return false;
  }
  return true;
}

}  // namespace pollux::kernel

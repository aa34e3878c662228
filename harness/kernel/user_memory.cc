// SPDX-License-Identifier: MIT
#include "kernel/user_memory.h"

#include <sys/syscall.h>

#include "kernel/buffers.h"
#include "pollux/shim/raw_system_call.h"

namespace pollux::kernel {
namespace {

constexpr uintptr_t kPage = 4096;
// A mistaken size is mostly a negative number, and always more than what anybody sends at once.
constexpr size_t kOrdinary = size_t{16} << 20;

// mincore(2) knows what is mapped, whatever is in memory.
bool is_mapped(uintptr_t address) {
  unsigned char resident;
  return shim::raw_system_call(SYS_mincore, static_cast<long>(address & ~(kPage - 1)), kPage,
                               reinterpret_cast<long>(&resident)) == 0;
}

}  // namespace

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

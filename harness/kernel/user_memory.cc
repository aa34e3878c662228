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

size_t mapped_part(const iovec& piece) {
  const auto begin = reinterpret_cast<uintptr_t>(piece.iov_base);
  if (piece.iov_len == 0 || is_mapped(begin + piece.iov_len - 1)) return piece.iov_len;
  uintptr_t at = begin;
  while (at < begin + piece.iov_len && is_mapped(at)) at = (at & ~(kPage - 1)) + kPage;
  return at <= begin ? 0 : at - begin;
}

}  // namespace

size_t bytes_there(const Buffers& buffers) {
  if (buffers.total <= kOrdinary) return buffers.total;
  size_t there = 0;
  for (size_t i = 0; i < buffers.count; ++i) {
    const size_t part = mapped_part(buffers.vector[i]);
    there += part;
    if (part != buffers.vector[i].iov_len) break;
  }
  return there < buffers.total ? there : buffers.total;
}

}  // namespace pollux::kernel

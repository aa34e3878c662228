// SPDX-License-Identifier: MIT
// Transfers from one descriptor to another inside the kernel.
#pragma once

#include <cstdint>

#include "src/poll_fd.h"

namespace netpoll {

struct bulk_result {
  uint64_t n = 0;
  Error err;
  // False: the kernel cannot do this with these two. Nothing has moved; copy by hand.
  bool handled = true;
};

inline constexpr uint64_t send_file_chunk_max = (uint64_t{1} << 31) - 1;

// sendfile(2) from `from`, starting at its offset, which moves along: `size` bytes, or less if the
// file ends first; 0: to its end.
bulk_result send_file(poll_fd& to, poll_fd& from, uint64_t size,
                      uint64_t chunk_max = send_file_chunk_max);

// splice(2) through a pipe: `size` bytes, or less if the stream ends first. Waits for `from` under
// its read lock only and for `to` under its write lock only. Bytes taken from `from` that `to`
// did not take are lost with the error.
bulk_result splice(poll_fd& to, poll_fd& from, uint64_t size);

}  // namespace netpoll

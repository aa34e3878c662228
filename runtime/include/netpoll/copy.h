// SPDX-License-Identifier: MIT
// From one descriptor to another until the end of the source.
#pragma once

#include <cstdint>

#include "netpoll/conn.h"
#include "netpoll/file.h"

namespace netpoll {

inline constexpr uint64_t kCopyAll = UINT64_MAX;

struct [[nodiscard]] CopyResult {
  uint64_t n = 0;  // bytes that the target took
  Error err;       // none if `limit` or the end of the source was reached
};

// Copies at most `limit` bytes. Inside the kernel where it can: splice(2) between stream sockets,
// sendfile(2) from a regular file (from its current offset, which moves along); through a buffer
// otherwise. On error, bytes already taken from the source may be lost.
CopyResult copy(Conn to, Conn from, uint64_t limit = kCopyAll);
CopyResult copy(Conn to, File from, uint64_t limit = kCopyAll);

}  // namespace netpoll

// SPDX-License-Identifier: MIT
// The lifetime and the read and write locks of one descriptor, in one word.
#pragma once

#include <atomic>
#include <cstdint>

#include "netpoll/sync.h"

namespace netpoll {

// bit 0 closed | bit 1 read lock held | bit 2 write lock held | bits 3-22 references |
// bits 23-42 readers waiting | bits 43-62 writers waiting.
// A held lock owns a reference; those who wait for one own none.
class fd_mutex {
 public:
  enum class dir { read, write };

  // One more user. False if closed.
  bool incref();
  // Marks it closed, for good, takes a reference, and sends everybody who waits for a lock away.
  // False if it was closed before.
  bool incref_and_close();
  // True if the caller must destroy the descriptor: it is closed and this was the last reference.
  // That answer is given exactly once.
  [[nodiscard]] bool decref();
  // Takes a lock and a reference, parking while another goroutine has the lock. False if closed.
  bool rwlock(dir d);
  // As decref.
  [[nodiscard]] bool rwunlock(dir d);

  // For tests and monitors.
  uint64_t word() const { return state_.load(); }
  uint32_t tokens() const { return read_sem_.tokens() + write_sem_.tokens(); }

 private:
  std::atomic<uint64_t> state_{0};
  Semaphore read_sem_;
  Semaphore write_sem_;
};

}  // namespace netpoll

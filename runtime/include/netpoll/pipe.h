// SPDX-License-Identifier: MIT
// A connection inside the process, as Go's net.Pipe.
#pragma once

#include <memory>
#include <utility>

#include "netpoll/conn.h"

namespace netpoll {

class pipe_end;

// One end. There is no buffer: a write waits until the other end has read all of it, or one of the
// ends is closed, or the deadline passes; then n says how much was read. The bytes of one write
// stay together. Handles, threads and deadlines as for Descriptor, with two differences: a read
// whose other end was closed is Errc::eof, everything else at a closed end, or towards one, is
// Errc::closed_pipe; and close() may be called again.
//
// A goroutine that waits here without a deadline can be woken by other goroutines only: a Runtime
// whose goroutines all wait like this, or for channels and the like, is reported as deadlocked.
class PipeConn {
 public:
  PipeConn() = default;

  // At least one byte, and at most `len`; 0 bytes for a write of 0 bytes, or if len == 0.
  IoResult read(void* buf, size_t len);
  IoResult write(const void* buf, size_t len);
  Error close();
  Error set_deadline(Deadline t);
  Error set_read_deadline(Deadline t);
  Error set_write_deadline(Deadline t);
  bool valid() const { return end_ != nullptr; }

 private:
  friend Result<std::pair<PipeConn, PipeConn>> pipe();
  explicit PipeConn(std::shared_ptr<pipe_end> end) : end_(std::move(end)) {}

  std::shared_ptr<pipe_end> end_;
};

// Two connected ends. Fails (ENOMEM) only if the Runtime has no two poll_descs left
// (RuntimeOptions::poll_descs_max).
Result<std::pair<PipeConn, PipeConn>> pipe();

}  // namespace netpoll

// SPDX-License-Identifier: MIT
// What every open descriptor can do, whatever it stands for.
//
// Handles. Copies name the same descriptor; it is closed by close(), or when the last handle goes
// away. An empty handle (default-constructed, or from a failed call) answers every call with
// Errc::sys, EINVAL.
//
// Threads: one handle may be used by several goroutines at once. Reads exclude each other, so do
// writes; a read and a write overlap. close() at any time is legal: whoever waits gets
// Errc::net_closing (Errc::file_closing for a File). The calls that may wait (accept, dial, read,
// write, close and their kin) must be made from a goroutine of the runtime that made the handle;
// close() also from an ordinary thread when no other goroutine is inside the handle.
//
// Deadlines are absolute and stay until changed: when one has passed, every operation in that
// direction fails with Errc::deadline_exceeded before it makes a system call. time_point{} clears.
// A deadline may be changed while operations wait, to earlier or later. Nothing expires early.
//
// No call raises SIGPIPE.
#pragma once

#include <sys/uio.h>

#include <chrono>
#include <functional>
#include <memory>
#include <span>

#include "netpoll/error.h"

namespace netpoll {

class net_fd;

using Deadline = std::chrono::steady_clock::time_point;

class Descriptor {
 public:
  // Reads at least one byte and at most `len`, waiting if there is none. n == 0 whenever err is
  // set. End of stream is Errc::eof. len == 0 returns at once. On a datagram socket: one datagram,
  // cut to `len`; an empty one is n == 0 without an error.
  IoResult read(void* buf, size_t len);
  // The same into several buffers (at most 1024), filled in order.
  IoResult readv(std::span<const iovec> buffers);
  // Writes all `len` bytes, waiting as often as needed. On error, n bytes went to the kernel.
  IoResult write(const void* buf, size_t len);
  // Writes all buffers, any number. Uses `buffers` up: the entries are changed, and on error what
  // is left is what has not been written. No other write comes in between on the same descriptor.
  IoResult writev(std::span<iovec>& buffers);

  // Closes. Waits until the descriptor is really closed, so the port can be bound again at once.
  // A second close is an error. (Not waited for: operations that block in the kernel, see File.)
  Error close();

  Error set_deadline(Deadline t);  // both directions
  Error set_read_deadline(Deadline t);
  Error set_write_deadline(Deadline t);

  // The way to system calls that are not here. The descriptor stays open while `f` runs; it must
  // neither close it nor block. raw_read and raw_write call `f` until it returns true, and wait for
  // readiness in between: return false on EAGAIN. They obey deadlines; raw_control calls once,
  // whatever the deadlines.
  Error raw_read(const std::function<bool(int fd)>& f);
  Error raw_write(const std::function<bool(int fd)>& f);
  Error raw_control(const std::function<void(int fd)>& f);

  // A new descriptor for the same open file, close-on-exec, which the caller must close. It stays
  // usable when this one is closed. O_NONBLOCK belongs to both: clearing it on the duplicate makes
  // this handle block its worker.
  Result<int> dup();

  bool valid() const { return fd_ != nullptr; }
  // For the library and its tests.
  net_fd* impl() const { return fd_.get(); }

 protected:
  Descriptor() = default;
  explicit Descriptor(std::shared_ptr<net_fd> fd) : fd_(std::move(fd)) {}
  ~Descriptor() = default;
  Descriptor(const Descriptor&) = default;
  Descriptor& operator=(const Descriptor&) = default;
  Descriptor(Descriptor&&) = default;
  Descriptor& operator=(Descriptor&&) = default;

  std::shared_ptr<net_fd> fd_;
};

}  // namespace netpoll

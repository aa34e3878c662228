// SPDX-License-Identifier: MIT
// TCP over IPv4 for goroutines.
//
// TcpListener and TcpConn are handles. Copies name the same descriptor; it is closed by close(), or
// when the last handle goes away. An empty handle (default-constructed, or from a failed call)
// answers every call with Errc::sys, EINVAL.
//
// Threads: one handle may be used by several goroutines at once. Reads exclude each other, so do
// writes; a read and a write overlap. close() at any time is legal: whoever waits gets
// Errc::net_closing. The calls that may wait (accept, dial_tcp, read, write, close) must be made
// from a goroutine of the runtime that made the handle; close() also from an ordinary thread when
// no other goroutine is inside the handle.
//
// Deadlines are absolute and stay until changed: when one has passed, every operation in that
// direction fails with Errc::deadline_exceeded before it makes a system call. time_point{} clears.
// A deadline may be changed while operations wait, to earlier or later. Nothing expires early.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>

#include "netpoll/error.h"

namespace netpoll {

class net_fd;

using Deadline = std::chrono::steady_clock::time_point;

class TcpConn {
 public:
  TcpConn() = default;
  explicit TcpConn(std::shared_ptr<net_fd> fd) : fd_(std::move(fd)) {}

  // Reads at least one byte and at most `len`, waiting if there is none. n == 0 whenever err is
  // set. End of stream is Errc::eof. len == 0 returns at once.
  IoResult read(void* buf, size_t len);
  // Writes all `len` bytes, waiting as often as needed. On error, n bytes went to the kernel.
  IoResult write(const void* buf, size_t len);
  // Closes. Waits until the descriptor is really closed, so the port can be bound again at once.
  // A second close is an error (Errc::net_closing).
  Error close();
  Error close_read();   // shutdown(SHUT_RD): reads return end of stream
  Error close_write();  // shutdown(SHUT_WR): the peer sees end of stream

  Error set_deadline(Deadline t);  // both directions
  Error set_read_deadline(Deadline t);
  Error set_write_deadline(Deadline t);

  Error set_no_delay(bool on);  // on by default
  // What close does with unsent data: < 0 sends it in the background (default), 0 discards it and
  // resets, > 0 keeps the kernel trying for so many seconds.
  Error set_linger(int seconds);

  Ipv4Endpoint local_addr() const;
  Ipv4Endpoint remote_addr() const;
  bool valid() const { return fd_ != nullptr; }

 private:
  std::shared_ptr<net_fd> fd_;
};

class TcpListener {
 public:
  TcpListener() = default;
  explicit TcpListener(std::shared_ptr<net_fd> fd) : fd_(std::move(fd)) {}

  // The next connection, with TCP_NODELAY and keep-alive (15 s idle, 15 s interval, 9 probes) on.
  // The listener stays usable after any error; EMFILE and ENFILE leave the connection queued.
  Result<TcpConn> accept();
  Error close();  // as TcpConn::close
  Error set_deadline(Deadline t);
  Ipv4Endpoint addr() const;  // with the real port
  bool valid() const { return fd_ != nullptr; }

 private:
  std::shared_ptr<net_fd> fd_;
};

// Ends dials early. May be shared by several dials one after the other, but only one at a time.
// cancel() may be called from any thread, before, during or after; it is permanent.
class DialCanceller {
 public:
  void cancel();

 private:
  friend class dial_watch;
  std::mutex lock_;
  bool canceled_ = false;
  net_fd* dialing_ = nullptr;  // the descriptor of the dial in progress
};

struct DialOptions {
  std::chrono::nanoseconds timeout{0};  // 0: none; < 0: already passed
  DialCanceller* canceller = nullptr;   // must outlive the dial
};

// Connects. Errors: Errc::timeout, Errc::canceled, or Errc::sys (ECONNREFUSED and so on). The
// connection has the same options set as an accepted one.
Result<TcpConn> dial_tcp(Ipv4Endpoint to, DialOptions options = {});

// Listens, with SO_REUSEADDR. Port 0 picks a free one; see addr().
Result<TcpListener> listen_tcp(Ipv4Endpoint at);

}  // namespace netpoll

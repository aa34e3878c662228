// SPDX-License-Identifier: MIT
// TCP over IPv4 and IPv6. Descriptor has the rules that hold for all handles.
#pragma once

#include "netpoll/dial.h"

namespace netpoll {

class TcpConn : public Conn {
 public:
  TcpConn() = default;
  explicit TcpConn(std::shared_ptr<net_fd> fd) : Conn(std::move(fd)) {}
  // Takes over a connected socket made elsewhere (and closes it on error, as on success later).
  static Result<TcpConn> adopt(int fd);

  using Conn::close_read;
  using Conn::close_write;

  Error set_no_delay(bool on);  // on by default
  // What close does with unsent data: < 0 sends it in the background (default), 0 discards it and
  // resets, > 0 keeps the kernel trying for so many seconds.
  Error set_linger(int seconds);
  Error set_keep_alive(const KeepAliveConfig& config);
};

class TcpListener : public Listener {
 public:
  TcpListener() = default;
  explicit TcpListener(std::shared_ptr<net_fd> fd) : Listener(std::move(fd)) {}
  static Result<TcpListener> adopt(int fd);

  // The next connection, with TCP_NODELAY and keep-alive on.
  // The listener stays usable after any error; EMFILE and ENFILE leave the connection queued.
  Result<TcpConn> accept();
};

// Connects. Errors: Errc::timeout, Errc::canceled, or Errc::sys (ECONNREFUSED and so on). The
// connection has the same options set as an accepted one.
Result<TcpConn> dial_tcp(const Address& to, const DialOptions& options = {});
// Connects to one of several addresses of the same host. Those of the family of the first are tried
// in turn, each for its share of the time left but at least two seconds; those of the other family
// in the same way, beside them, from options.fallback_delay on or when the first ones have failed.
// The first connection wins. The error is the first one of the first family.
Result<TcpConn> dial_tcp(std::span<const Address> to, const DialOptions& options = {});

// Listens, with SO_REUSEADDR. Port 0 picks a free one; see addr().
Result<TcpListener> listen_tcp(const Address& at, const ListenConfig& config = {});

}  // namespace netpoll

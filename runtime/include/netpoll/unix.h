// SPDX-License-Identifier: MIT
// Sockets of the unix domain, as Go calls them: "unix" (streams), "unixpacket" (SOCK_SEQPACKET)
// and "unixgram" (datagrams). Addresses are Address::unix_name. Descriptor has the rules that hold
// for all handles.
#pragma once

#include "netpoll/dial.h"

namespace netpoll {

class UnixConn : public Conn {
 public:
  UnixConn() = default;
  explicit UnixConn(std::shared_ptr<net_fd> fd) : Conn(std::move(fd)) {}
  static Result<UnixConn> adopt(int fd);

  using Conn::close_read;
  using Conn::close_write;
  using Conn::read_from;
  using Conn::write_to;
  // Control messages carry descriptors (SCM_RIGHTS, unix(7)); received ones are close-on-exec.
  using Conn::read_msg;
  using Conn::write_msg;
};

class UnixListener : public Listener {
 public:
  UnixListener() = default;
  explicit UnixListener(std::shared_ptr<net_fd> fd) : Listener(std::move(fd)) {}
  static Result<UnixListener> adopt(int fd);

  Result<UnixConn> accept();
  // Whether closing removes the path from the file system. On by default, off after adopt.
  void set_unlink_on_close(bool on);
};

Result<UnixListener> listen_unix(const Address& at, const ListenConfig& config = {});
Result<UnixListener> listen_unixpacket(const Address& at, const ListenConfig& config = {});
// A datagram socket bound to `at`. Closing leaves the path in the file system.
Result<UnixConn> listen_unixgram(const Address& at, const ListenConfig& config = {});

Result<UnixConn> dial_unix(const Address& to, const DialOptions& options = {});
Result<UnixConn> dial_unixpacket(const Address& to, const DialOptions& options = {});
Result<UnixConn> dial_unixgram(const Address& to, const DialOptions& options = {});

}  // namespace netpoll

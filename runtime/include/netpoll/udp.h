// SPDX-License-Identifier: MIT
// UDP over IPv4 and IPv6. Descriptor has the rules that hold for all handles.
#pragma once

#include "netpoll/dial.h"

namespace netpoll {

// Connected (dial_udp): read and write. Not connected (listen_udp): read_from and write_to.
class UdpConn : public Conn {
 public:
  UdpConn() = default;
  explicit UdpConn(std::shared_ptr<net_fd> fd) : Conn(std::move(fd)) {}
  static Result<UdpConn> adopt(int fd);

  // One datagram, cut to `len`. An empty one is n == 0 without an error.
  using Conn::read_from;
  // Errc::write_to_connected on a connected socket.
  using Conn::read_msg;
  using Conn::write_msg;
  using Conn::write_to;
};

Result<UdpConn> listen_udp(const Address& at, const ListenConfig& config = {});
// Sends nothing: it only fixes where write sends to and whom read hears. An ICMP error comes back
// as the error of a later read or write (ECONNREFUSED).
Result<UdpConn> dial_udp(const Address& to, const DialOptions& options = {});

}  // namespace netpoll

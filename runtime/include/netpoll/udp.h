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

  // Multicast (ip(7), ipv6(7)). A group is a multicast address, its port does not matter; an
  // interface is an index (if_nametoindex), and 0 leaves the choice to the routes. Joining twice is
  // EADDRINUSE, leaving without having joined EADDRNOTAVAIL, what is no group EINVAL.
  Error join_group(const Address& group, uint32_t interface = 0);
  Error leave_group(const Address& group, uint32_t interface = 0);
  // How this socket sends to groups: by which interface; whether members on this host get it too
  // (on by default; by the loopback interface they always do); how many hosts it may pass, 1 by
  // default: it stays in the local network.
  Error set_multicast_interface(uint32_t interface);
  Error set_multicast_loopback(bool on);
  Error set_multicast_hops(int hops);
};

Result<UdpConn> listen_udp(const Address& at, const ListenConfig& config = {});
// Bound to the port of `group` on all addresses, which any number of sockets may be at a time
// (SO_REUSEADDR), and a member of `group` on `interface`. It sends to groups by that interface and
// does not hear itself (set_multicast_loopback). Like Go's ListenMulticastUDP, for simple programs;
// others use listen_udp and join_group. What is sent to the port by other means arrives, too.
Result<UdpConn> listen_multicast_udp(const Address& group, uint32_t interface = 0,
                                     const ListenConfig& config = {});
// Sends nothing: it only fixes where write sends to and whom read hears. An ICMP error comes back
// as the error of a later read or write (ECONNREFUSED).
Result<UdpConn> dial_udp(const Address& to, const DialOptions& options = {});

}  // namespace netpoll

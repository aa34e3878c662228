// SPDX-License-Identifier: MIT
//
// Where IPv4 and IPv6 sockets are: an address of a host and a port, and the sockaddr of it.
//
// An Address is what a packet carries: IPv4, or (`six`) one of the IPv6 addresses that hosts have:
// "::", "::1", and fd00:: with the host's IPv4 address in the last four bytes. An IPv4-mapped
// address is an IPv4 one; only an IPv6 socket shows it as ::ffff:a.b.c.d.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>

#include "kernel/socket.h"

namespace pollux::kernel {

inline constexpr uint32_t kLoopback = 0x7F000001;  // 127.0.0.1; with `six` ::1

struct Address {
  uint32_t ip = 0;  // host byte order; 0: any
  uint16_t port = 0;
  bool six = false;

  friend bool operator==(const Address&, const Address&) = default;
  bool same_ip(const Address& other) const { return ip == other.ip && six == other.six; }
  bool is_loopback() const { return ip >> 24 == 127; }
};

// "127.0.0.1:7000", "[::1]:7000"
std::string to_string(Address);

// Options of IPPROTO_IP.
struct IpOptions {
  int tos = 0, ttl = -1;
  int multicast_ttl = 1;
  bool multicast_loop = true, multicast_all = true;
  int multicast_interface = 0;     // 0: where the route to the group goes
  uint32_t multicast_address = 0;  // as IP_MULTICAST_IF was told
  bool packet_info = false;        // IP_PKTINFO
};

class InetSocket : public Socket {
 public:
  // As the socket's family shows it.
  SocketName name_of(Address) const;

  Address local, remote;
  bool inet6 = false;       // AF_INET6
  bool inet6_only = false;  // IPV6_V6ONLY
  IpOptions ip;
  uint32_t port_range = 0;  // IP_LOCAL_PORT_RANGE: the least port, and above 16 bits the greatest

  // Does a socket that is bound to `local` get what is sent to the address?
  bool hears(const Address& to) const {
    if (local.ip != 0) return local.same_ip(to);
    return local.six == to.six || (local.six && !inet6_only);
  }
  // Is there an address that both would hear (inet_rcv_saddr_equal)?
  bool overlaps(const InetSocket& other) const { return hears(other.local) || other.hears(local); }

 protected:
  explicit InetSocket(Kind kind) : Socket(kind) {}
  void begin_inet(bool six) {
    inet6 = six;
    inet6_only = false;
    ip = {};
    port_range = 0;
    local = remote = nowhere();
  }
  // What local and remote are without an address.
  Address nowhere() const { return {0, 0, inet6}; }

  // What bind() is asked for, checked (inet_bind, inet6_bind).
  long bind_address(const SocketName&, Address*) const;
  // Whom connect() or a datagram is for: 0.0.0.0 and :: are oneself. A datagram on an IPv6 socket
  // may be for a sockaddr_in, then -`refused` is the answer if the socket is for IPv6 only; 0: may
  // not.
  long target(const SocketName&, int refused, Address*) const;
  // Is there a way from `local` to the address, and to which host? -ENETUNREACH, -EAFNOSUPPORT.
  long route(const Address& to) const;
  // The address that packets to `to` have as their source.
  uint32_t source_ip(const Address& to) const;
};

}  // namespace pollux::kernel

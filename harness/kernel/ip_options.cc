// SPDX-License-Identifier: MIT
//
// Options of IPPROTO_IP and IPPROTO_IPV6 (do_ip_setsockopt, do_ip_getsockopt, ip_mc_join_group and
// its like). What changes packets that nobody sees is remembered and answered.
#include <netinet/in.h>

#include "kernel/interfaces.h"
#include "kernel/option_values.h"
#include "kernel/state.h"
#include "kernel/udp.h"

namespace pollux::kernel {
namespace {

#ifndef IP_LOCAL_PORT_RANGE
constexpr int IP_LOCAL_PORT_RANGE = 51;  // Linux 6.3
#endif

UdpSocket* as_udp(InetSocket* socket) {
  return socket->kind() == Kind::udp ? static_cast<UdpSocket*>(socket) : nullptr;
}

// Most values may be one byte.
long small_value_from(const Arguments& a, int* value) {
  auto length = static_cast<socklen_t>(a[4]);
  *value = 0;
  if (length == 0) return 0;
  if (bad_address(a.pointer<void>(3))) return -EFAULT;
  if (length >= sizeof *value) {
    std::memcpy(value, a.pointer<void>(3), sizeof *value);
  } else {
    *value = *a.pointer<unsigned char>(3);
  }
  return 0;
}

// ip_mreqn, or the ip_mreq or in_addr that it begins with.
long request_from(const Arguments& a, socklen_t least, ip_mreqn* request) {
  auto length = static_cast<socklen_t>(a[4]);
  if (length < least) return -EINVAL;
  *request = {};
  if (bad_address(a.pointer<void>(3))) return -EFAULT;
  std::memcpy(request, a.pointer<void>(3), std::min<socklen_t>(length, sizeof *request));
  if (length < sizeof *request) request->imr_ifindex = 0;
  return 0;
}

// Which interface a request means (ip_mc_find_dev): by index, by address, or where the route to the
// group goes.
int interface_of(const ip_mreqn& request, unsigned host) {
  if (request.imr_ifindex != 0) {
    return name_of_interface(request.imr_ifindex) != nullptr ? request.imr_ifindex : 0;
  }
  uint32_t address = ntohl(request.imr_address.s_addr);
  return address == 0 ? kEth0 : interface_with(address, host);
}

long membership(UdpSocket* socket, const Arguments& a, bool join) {
  ip_mreqn request;
  if (socket == nullptr) return -EPROTO;  // of datagrams only
  if (long error = request_from(a, sizeof(ip_mreq), &request); error != 0) return error;
  uint32_t group = ntohl(request.imr_multiaddr.s_addr);
  int interface = interface_of(request, socket->host);
  if (join) {
    if (!is_multicast(group)) return -EINVAL;
    if (interface == 0) return -ENODEV;
    return socket->groups.add(group, interface) ? 0 : -EADDRINUSE;
  }
  if (interface == 0) return -ENODEV;
  return socket->groups.remove(group, interface) ? 0 : -EADDRNOTAVAIL;
}

long set_multicast_interface(InetSocket* socket, const Arguments& a) {
  if (as_udp(socket) == nullptr) return -EINVAL;
  ip_mreqn request;
  auto length = static_cast<socklen_t>(a[4]);
  if (length >= sizeof(ip_mreq)) {
    if (long error = request_from(a, sizeof(ip_mreq), &request); error != 0) return error;
  } else {
    in_addr address;
    if (length < sizeof address) return -EINVAL;
    if (bad_address(a.pointer<void>(3))) return -EFAULT;
    std::memcpy(&address, a.pointer<void>(3), sizeof address);
    request = {{0}, address, 0};
  }
  IpOptions& ip = socket->ip;
  uint32_t address = ntohl(request.imr_address.s_addr);
  if (request.imr_ifindex == 0) {
    if (address == 0) {
      ip.multicast_interface = 0;
      ip.multicast_address = 0;
      return 0;
    }
    int interface = interface_with(address, socket->host);
    if (interface == 0) return -EADDRNOTAVAIL;
    ip.multicast_interface = interface;
  } else {
    if (name_of_interface(request.imr_ifindex) == nullptr) return -EADDRNOTAVAIL;
    ip.multicast_interface = request.imr_ifindex;
  }
  ip.multicast_address = address;
  return 0;
}

}  // namespace

bool Groups::add(uint32_t group, int interface) {
  if (has(group, interface)) return false;
  joined_.push_back({group, interface});
  return true;
}

bool Groups::remove(uint32_t group, int interface) {
  for (auto at = joined_.begin(); at != joined_.end(); ++at) {
    if (at->group != group || at->interface != interface) continue;
    joined_.erase(at);
    return true;
  }
  return false;
}

bool Groups::has(uint32_t group, int interface) const {
  for (const Membership& each : joined_) {
    if (each.group == group && each.interface == interface) return true;
  }
  return false;
}

bool Groups::has(uint32_t group) const {
  for (const Membership& each : joined_) {
    if (each.group == group) return true;
  }
  return false;
}

long set_ip_option(InetSocket* socket, const Arguments& a) {
  IpOptions& ip = socket->ip;
  switch (a.integer(2)) {
    case IP_ADD_MEMBERSHIP:
      return membership(as_udp(socket), a, true);
    case IP_DROP_MEMBERSHIP:
      return membership(as_udp(socket), a, false);
    case IP_MULTICAST_IF:
      return set_multicast_interface(socket, a);
    default:
      break;
  }
  int value;
  if (long error = small_value_from(a, &value); error != 0) return error;
  bool empty = static_cast<socklen_t>(a[4]) == 0;
  switch (a.integer(2)) {
    case IP_TOS:
      ip.tos = value & 0xFF;
      return 0;
    case IP_TTL:
      if (empty || value == 0 || value < -1 || value > 255) return -EINVAL;
      ip.ttl = value;
      return 0;
    case IP_MTU_DISCOVER:
      return value < IP_PMTUDISC_DONT || value > IP_PMTUDISC_OMIT ? -EINVAL : 0;
    case IP_MULTICAST_TTL:
      if (as_udp(socket) == nullptr || empty || value < -1 || value > 255) return -EINVAL;
      ip.multicast_ttl = value == -1 ? 1 : value;
      return 0;
    case IP_MULTICAST_LOOP:
      if (empty) return -EINVAL;
      ip.multicast_loop = value != 0;
      return 0;
    case IP_MULTICAST_ALL:
      if (empty || (value != 0 && value != 1)) return -EINVAL;
      ip.multicast_all = value != 0;
      return 0;
    case IP_PKTINFO:
      ip.packet_info = value != 0;
      return 0;
    case IP_LOCAL_PORT_RANGE: {
      if (static_cast<socklen_t>(a[4]) != sizeof value) return -EINVAL;
      auto range = static_cast<uint32_t>(value);
      uint32_t low = range & 0xFFFF, high = range >> 16;
      if (low != 0 && high != 0 && low > high) return -EINVAL;
      socket->port_range = range;
      return 0;
    }
    default:
      unmodelled("setsockopt(IPPROTO_IP, ...) of another option");
  }
}

long get_ip_option(InetSocket* socket, const Arguments& a) {
  const IpOptions& ip = socket->ip;
  int value;
  switch (a.integer(2)) {
    case IP_TOS:
      value = ip.tos;
      break;
    case IP_TTL:
      value = ip.ttl < 0 ? 64 : ip.ttl;
      break;
    case IP_MULTICAST_TTL:
      value = ip.multicast_ttl;
      break;
    case IP_MULTICAST_LOOP:
      value = ip.multicast_loop;
      break;
    case IP_MULTICAST_ALL:
      value = ip.multicast_all;
      break;
    case IP_PKTINFO:
      value = ip.packet_info;
      break;
    case IP_LOCAL_PORT_RANGE:
      value = static_cast<int>(socket->port_range);
      break;
    case IP_MULTICAST_IF: {
      in_addr address{htonl(ip.multicast_address)};
      return answer(a, &address, sizeof address);
    }
    default:
      unmodelled("getsockopt(IPPROTO_IP, ...) of another option");
  }
  // A caller with room for a byte gets one.
  auto* length = a.pointer<socklen_t>(4);
  if (bad_address(length)) return -EFAULT;
  if (*length<sizeof value&& static_cast<int>(*length)> 0 && value >= 0 && value <= 255) {
    auto byte = static_cast<unsigned char>(value);
    return answer(a, &byte, sizeof byte);
  }
  return answer(a, value);
}

long set_ipv6_option(InetSocket* socket, const Arguments& a) {
  if (!socket->inet6) return -ENOPROTOOPT;
  int value = 0;
  if (long error = value_from(a, &value); error != 0) return error;
  switch (a.integer(2)) {
    case IPV6_V6ONLY:
      if (socket->local.port != 0) return -EINVAL;
      socket->inet6_only = value != 0;
      return 0;
    case IPV6_UNICAST_HOPS:
    case IPV6_TCLASS:
    case IPV6_MTU_DISCOVER:
    case IPV6_MULTICAST_HOPS:
    case IPV6_MULTICAST_LOOP:
      return 0;
    default:
      unmodelled("setsockopt(IPPROTO_IPV6, ...) of another option");
  }
}

long get_ipv6_option(InetSocket* socket, const Arguments& a) {
  if (!socket->inet6) return -EOPNOTSUPP;
  if (a.integer(2) == IPV6_V6ONLY) return answer(a, socket->inet6_only);
  unmodelled("getsockopt(IPPROTO_IPV6, ...) of another option");
}

}  // namespace pollux::kernel

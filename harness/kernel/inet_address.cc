// SPDX-License-Identifier: MIT
#include "kernel/inet_address.h"

#include <arpa/inet.h>

#include <cerrno>
#include <cstring>

#include "kernel/host.h"
#include "kernel/interfaces.h"

namespace pollux::kernel {
namespace {

constexpr uint32_t kNowhere = 0xFFFFFFFE;  // an IPv6 address that no host has
constexpr socklen_t kShortestIn6 = 24;     // SIN6_LEN_RFC2133: without a scope
constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr uint8_t kHosts6[12] = {0xFD};

uint32_t last_four(const in6_addr& address) {
  uint32_t value;
  std::memcpy(&value, address.s6_addr + 12, sizeof value);
  return ntohl(value);
}

in6_addr with_prefix(const uint8_t (&prefix)[12], uint32_t ip) {
  in6_addr address;
  uint32_t value = htonl(ip);
  std::memcpy(address.s6_addr, prefix, sizeof prefix);
  std::memcpy(address.s6_addr + 12, &value, sizeof value);
  return address;
}

in6_addr to_in6(Address address) {
  if (!address.six) return with_prefix(kMapped, address.ip);
  if (address.ip == 0) return in6addr_any;
  return address.ip == kLoopback ? in6addr_loopback : with_prefix(kHosts6, address.ip);
}

Address from_in6(const sockaddr_in6& in) {
  uint16_t port = ntohs(in.sin6_port);
  const in6_addr& address = in.sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&address)) return {last_four(address), port, false};
  if (IN6_IS_ADDR_UNSPECIFIED(&address)) return {0, port, true};
  if (IN6_IS_ADDR_LOOPBACK(&address)) return {kLoopback, port, true};
  bool of_host = std::memcmp(address.s6_addr, kHosts6, sizeof kHosts6) == 0;
  return {of_host ? last_four(address) : kNowhere, port, true};
}

// The length and the family first, as every call does.
long in4_from(const SocketName& name, bool unspecified_any, Address* address) {
  if (name.length < sizeof(sockaddr_in)) return -EINVAL;
  sockaddr_in in;
  std::memcpy(&in, &name.address, sizeof in);
  bool any = unspecified_any && in.sin_family == AF_UNSPEC && in.sin_addr.s_addr == INADDR_ANY;
  if (in.sin_family != AF_INET && !any) return -EAFNOSUPPORT;
  *address = {ntohl(in.sin_addr.s_addr), ntohs(in.sin_port), false};
  return 0;
}

long in6_from(const SocketName& name, Address* address) {
  if (name.length < kShortestIn6) return -EINVAL;
  sockaddr_in6 in{};
  std::memcpy(&in, &name.address, name.length < sizeof in ? name.length : sizeof in);
  if (in.sin6_family != AF_INET6) return -EAFNOSUPPORT;
  *address = from_in6(in);
  return 0;
}

}  // namespace

std::string to_string(Address address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.six) {
    in6_addr in6 = to_in6(address);
    inet_ntop(AF_INET6, &in6, text, sizeof text);
    return '[' + std::string(text) + "]:" + std::to_string(address.port);
  }
  in_addr in{htonl(address.ip)};
  inet_ntop(AF_INET, &in, text, sizeof text);
  return text + (':' + std::to_string(address.port));
}

SocketName InetSocket::name_of(Address address) const {
  SocketName name;
  if (inet6) {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(address.port);
    in.sin6_addr = to_in6(address);
    std::memcpy(&name.address, &in, sizeof in);
    name.length = sizeof in;
    return name;
  }
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(address.port);
  in.sin_addr.s_addr = htonl(address.ip);
  std::memcpy(&name.address, &in, sizeof in);
  name.length = sizeof in;
  return name;
}

long InetSocket::bind_address(const SocketName& name, Address* address) const {
  long problem = inet6 ? in6_from(name, address) : in4_from(name, true, address);
  if (problem != 0) return problem;
  if (inet6_only && !address->six) return -EINVAL;
  bool is_host_loopback = address->six ? address->ip == kLoopback : address->is_loopback();
  if (!address->six && is_multicast(address->ip)) return kind() == Kind::udp ? 0 : -EADDRNOTAVAIL;
  bool ours = address->ip == 0 || is_host_loopback || address->ip == address_of_host(host);
  return ours ? 0 : -EADDRNOTAVAIL;
}

long InetSocket::target(const SocketName& name, int refused, Address* to) const {
  bool as_in4 = !inet6 || (refused != 0 && name.address.ss_family == AF_INET);
  if (inet6 && as_in4 && inet6_only) return -refused;
  long problem = as_in4 ? in4_from(name, false, to) : in6_from(name, to);
  if (problem != 0) return problem;
  if (to->ip == 0) {
    to->ip = kLoopback;
    if (inet6 && local.ip != 0) to->six = local.six;  // tcp_v6_connect
  }
  return 0;
}

long InetSocket::route(const Address& to) const {
  if (inet6 && !to.six && (inet6_only || (local.six && local.ip != 0))) return -ENETUNREACH;
  if (inet6 && to.six && !local.six && local.ip != 0) return -EAFNOSUPPORT;  // ip6_dst_lookup_tail
  if (!to.six && is_multicast(to.ip) && kind() == Kind::udp) return host;
  int number = host_of_address(to.ip, host);
  return number < 0 ? -ENETUNREACH : number;
}

uint32_t InetSocket::source_ip(const Address& to) const {
  if (local.ip != 0 && !is_multicast(local.ip)) return local.ip;
  if (!to.six && is_multicast(to.ip)) {
    // By index alone: an address of wider scope than that of lo (inet_select_addr).
    return ip.multicast_address != 0 ? ip.multicast_address : address_of_host(host);
  }
  return to.is_loopback() ? kLoopback : address_of_host(host);
}

}  // namespace pollux::kernel

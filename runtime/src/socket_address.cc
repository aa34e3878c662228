// SPDX-License-Identifier: MIT
#include "src/socket_address.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "src/sys.h"

namespace netpoll {

namespace {

constexpr std::array<uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr socklen_t path_offset = offsetof(sockaddr_un, sun_path);

Error to_inet(const Ipv4Endpoint& e, socket_address* out) {
  out->in = {};
  out->in.sin_family = AF_INET;
  out->in.sin_port = htons(e.port);
  out->in.sin_addr.s_addr = htonl(e.address_host_order);
  out->len = sizeof out->in;
  return Error();
}

Error to_inet6(const Ipv6Endpoint& e, socket_address* out) {
  out->in6 = {};
  out->in6.sin6_family = AF_INET6;
  out->in6.sin6_port = htons(e.port);
  out->in6.sin6_scope_id = e.scope_id;
  std::memcpy(&out->in6.sin6_addr, e.address.data(), e.address.size());
  out->len = sizeof out->in6;
  return Error();
}

Ipv6Endpoint mapped(const Ipv4Endpoint& e) {
  Ipv6Endpoint six{{}, e.port, 0};
  std::copy(mapped_prefix.begin(), mapped_prefix.end(), six.address.begin());
  for (int i = 0; i < 4; i++) {
    six.address[12 + i] = static_cast<uint8_t>(e.address_host_order >> (24 - 8 * i));
  }
  return six;
}

// unix(7): the kernel wants a path's terminating NUL inside the array, and takes an abstract name
// (first byte NUL) to extend to the very end of what the length says.
Error to_unix(std::string_view name, socket_address* out) {
  const bool abstract = !name.empty() && name[0] == '@';
  if (name.size() + (abstract ? 0 : 1) > sizeof out->un.sun_path) {
    return Error::from_errno(nullptr, EINVAL);
  }
  out->un = {};
  out->un.sun_family = AF_UNIX;
  name.copy(out->un.sun_path, name.size());
  if (abstract) out->un.sun_path[0] = '\0';
  out->len = path_offset + static_cast<socklen_t>(name.size());
  if (!abstract && !name.empty()) out->len++;
  return Error();
}

Address from_unix(const socket_address& a) {
  if (a.len <= path_offset) return Address::unix_name("");
  std::string name(a.un.sun_path, std::min<size_t>(a.len - path_offset, sizeof a.un.sun_path));
  if (name[0] == '\0') {
    name[0] = '@';
  } else {
    name.resize(std::strlen(name.c_str()));
  }
  return Address::unix_name(name);
}

}  // namespace

int socket_family(const Address& a) {
  switch (a.family()) {
    case Address::Family::none:
      break;
    case Address::Family::ipv4:
      return AF_INET;
    case Address::Family::ipv6:
      return AF_INET6;
    case Address::Family::unix_name:
      return AF_UNIX;
  }
  return AF_UNSPEC;
}

Error to_socket_address(const Address& a, int family, socket_address* out) {
  switch (a.family()) {
    case Address::Family::none:
      return Error(Errc::missing_address);
    case Address::Family::ipv4:
      if (family == AF_INET) return to_inet(a.ipv4(), out);
      if (family == AF_INET6) return to_inet6(mapped(a.ipv4()), out);
      return Error(Errc::address_type);
    case Address::Family::ipv6:
      if (family == AF_INET6) return to_inet6(a.ipv6(), out);
      return Error(family == AF_INET ? Errc::non_ipv4_address : Errc::address_type);
    case Address::Family::unix_name:
      if (family == AF_UNIX) return to_unix(a.unix_name(), out);
      return Error(Errc::address_type);
  }
  return Error(Errc::address_type);
}

Address from_socket_address(const socket_address& a) {
  if (a.len < sizeof(sa_family_t)) return Address();
  switch (a.any.sa_family) {
    case AF_INET:
      return Ipv4Endpoint{ntohl(a.in.sin_addr.s_addr), ntohs(a.in.sin_port)};
    case AF_INET6: {
      Ipv6Endpoint e{{}, ntohs(a.in6.sin6_port), a.in6.sin6_scope_id};
      std::memcpy(e.address.data(), &a.in6.sin6_addr, e.address.size());
      if (!IN6_IS_ADDR_V4MAPPED(&a.in6.sin6_addr)) return e;
      uint32_t v4 = 0;
      for (int i = 12; i < 16; i++) v4 = v4 << 8 | e.address[i];
      return Ipv4Endpoint{v4, e.port};
    }
    case AF_UNIX:
      return from_unix(a);
    default:
      return Address();
  }
}

Address local_address(int fd) {
  socket_address a;
  return sys_getsockname(fd, &a.any, &a.len) < 0 ? Address() : from_socket_address(a);
}

int remote_address(int fd, Address* out) {
  socket_address a;
  const int r = sys_getpeername(fd, &a.any, &a.len);
  if (r == 0) *out = from_socket_address(a);
  return r;
}

}  // namespace netpoll

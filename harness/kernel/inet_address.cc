// SPDX-License-Identifier: MIT
#include "kernel/inet_address.h"

#include <arpa/inet.h>

#include <cerrno>
#include <cstring>

namespace pollux::kernel {

std::string to_string(Address address) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    text += std::to_string(address.ip >> shift & 255);
    text += shift == 0 ? ':' : '.';
  }
  return text + std::to_string(address.port);
}

SocketName name_of(Address address) {
  SocketName name;
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(address.port);
  in.sin_addr.s_addr = htonl(address.ip);
  std::memcpy(&name.address, &in, sizeof in);
  name.length = sizeof in;
  return name;
}

long address_from(const SocketName& name, bool unspecified_any, Address* address) {
  if (name.length < sizeof(sockaddr_in)) return -EINVAL;
  sockaddr_in in;
  std::memcpy(&in, &name.address, sizeof in);
  bool any = unspecified_any && in.sin_family == AF_UNSPEC && in.sin_addr.s_addr == INADDR_ANY;
  if (in.sin_family != AF_INET && !any) return -EAFNOSUPPORT;
  *address = {ntohl(in.sin_addr.s_addr), ntohs(in.sin_port)};
  return 0;
}

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
//
// Where IPv4 and IPv6 sockets are: an address of a host and a port, and the sockaddr of it.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>

#include "kernel/socket.h"

namespace pollux::kernel {

inline constexpr uint32_t kLoopback = 0x7F000001;  // 127.0.0.1

struct Address {
  uint32_t ip = 0;  // host byte order
  uint16_t port = 0;

  friend bool operator==(const Address&, const Address&) = default;
};

// "127.0.0.1:7000"
std::string to_string(Address);

SocketName name_of(Address);

// The sockaddr_in of a call as its Address. -EINVAL: too short. -EAFNOSUPPORT: another family than
// AF_INET; with `unspecified_any` AF_UNSPEC passes as well, as long as the address is 0.0.0.0.
long address_from(const SocketName&, bool unspecified_any, Address*);

}  // namespace pollux::kernel

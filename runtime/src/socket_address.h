// SPDX-License-Identifier: MIT
// Address as the kernel has it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "netpoll/error.h"

namespace netpoll {

struct socket_address {
  union {
    sockaddr any;
    sockaddr_in in;
    sockaddr_in6 in6;
    sockaddr_un un;
  };
  socklen_t len = sizeof(sockaddr_un);  // the largest: room for what the kernel writes

  socket_address() : un{} {}
};

// AF_INET, AF_INET6 or AF_UNIX; AF_UNSPEC for none.
int socket_family(const Address& a);
// `a` for a socket of `family`. An IPv4 address fits an IPv6 socket, as a mapped one (RFC 4291,
// 2.5.5.2); everything else must match. Errors have no operation.
Error to_socket_address(const Address& a, int family, socket_address* out);
// None for a family that Address does not know, or when there is no address. A mapped IPv4 address
// is an IPv4 one.
Address from_socket_address(const socket_address& a);

// The address of a socket's own end; none if it has none.
Address local_address(int fd);
// 0 or -errno.
int remote_address(int fd, Address* out);

}  // namespace netpoll

// SPDX-License-Identifier: MIT
// What TcpConn and TcpListener handles share: a poll_fd and its two addresses.
#pragma once

#include <netinet/in.h>

#include <memory>

#include "netpoll/error.h"
#include "src/poll_fd.h"

namespace netpoll {

class net_fd {
 public:
  net_fd(scheduler& s, int sysfd) : pfd(s, sysfd, /*is_stream=*/true) {}

  poll_fd pfd;
  // Set before the handle is handed out.
  Ipv4Endpoint local;
  Ipv4Endpoint remote;

  Error op_error(const Error& e, const char* op) const { return e.with_op(op, local, remote); }
};

sockaddr_in to_sockaddr(Ipv4Endpoint e);
// The address of a socket's own end; zero if it has none.
Ipv4Endpoint local_endpoint(int fd);
// 0 or -errno.
int remote_endpoint(int fd, Ipv4Endpoint* out);

// NODELAY, and keep-alive after 15 s idle, every 15 s, 9 times. Errors are ignored: a peer that has
// reset the connection already makes some of these fail, and the first read will tell.
void set_connection_defaults(int fd);

}  // namespace netpoll

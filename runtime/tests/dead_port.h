// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include "src/socket_address.h"
#include "support.h"

namespace netpoll::testing {

// A port at which connections are refused for as long as this lives: bound, and not listening. A
// port that is merely free may be another process's a moment later.
class DeadPort {
 public:
  DeadPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    socket_address a;
    EXPECT_FALSE(to_socket_address(Ipv4Endpoint::loopback(0), AF_INET, &a));
    EXPECT_EQ(bind(fd_, &a.any, a.len), 0);
  }
  ~DeadPort() { ::close(fd_); }
  DeadPort(const DeadPort&) = delete;
  DeadPort& operator=(const DeadPort&) = delete;
  Address at() const { return local_address(fd_); }

 private:
  int fd_;
};

}  // namespace netpoll::testing

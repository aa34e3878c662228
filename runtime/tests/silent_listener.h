// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/socket_address.h"
#include "support.h"

namespace netpoll::testing {

// A listener whose queue is full: further connects get no answer (Linux drops their SYNs). Made of
// plain sockets, since the library's backlog is large.
class SilentListener {
 public:
  SilentListener() {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socket_address a;
    EXPECT_FALSE(to_socket_address(Ipv4Endpoint::loopback(0), AF_INET, &a));
    EXPECT_EQ(bind(fd_, &a.any, a.len), 0);
    EXPECT_EQ(listen(fd_, 0), 0);
    at_ = local_address(fd_);
    EXPECT_FALSE(to_socket_address(at_, AF_INET, &a));
    for (int& f : fillers_) {
      f = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      (void)connect(f, &a.any, a.len);
    }
    // Connections are made in the background. The queue is full once it has one.
    pollfd queue = {fd_, POLLIN, 0};
    EXPECT_EQ(poll(&queue, 1, 10'000), 1);
  }
  ~SilentListener() {
    for (int f : fillers_) ::close(f);
    ::close(fd_);
  }
  Address at() const { return at_; }

 private:
  int fd_;
  int fillers_[4];
  Address at_;
};

}  // namespace netpoll::testing

// SPDX-License-Identifier: MIT
// raw_echo_server PORT: the least that an echo server can be on Linux: one thread, level-triggered
// epoll, one read and one write per message. What the runtime is measured against.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "arguments.h"

namespace {

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

void add(int epfd, int fd) {
  epoll_event ev{};
  ev.events = EPOLLIN;
  ev.data.fd = fd;
  if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) != 0) die("epoll_ctl");
}

// False when the connection is over. A message larger than the socket's buffers ends it too: this
// server keeps no state.
bool echo(int fd) {
  char buf[16 * 1024];
  const ssize_t n = recv(fd, buf, sizeof buf, 0);
  return n > 0 && send(fd, buf, static_cast<size_t>(n), MSG_NOSIGNAL) == n;
}

}  // namespace

int main(int argc, char** argv) {
  const int port = bench::number(argc, argv, 1, 1, 65535, bench::required, "raw_echo_server PORT");
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(static_cast<uint16_t>(port));
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0) die("bind");
  if (listen(listener, SOMAXCONN) != 0) die("listen");
  const int epfd = epoll_create1(EPOLL_CLOEXEC);
  add(epfd, listener);
  std::printf("listening on 127.0.0.1:%d\n", port);
  std::fflush(stdout);
  epoll_event events[128];
  for (;;) {
    const int n = epoll_wait(epfd, events, 128, -1);
    for (int i = 0; i < n; i++) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        const int c = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (c < 0) continue;
        setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        add(epfd, c);
      } else if (!echo(fd)) {
        close(fd);
      }
    }
  }
}

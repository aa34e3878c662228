// SPDX-License-Identifier: MIT
#include "src/sys.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace netpoll {

namespace {
template <class T>
inline T result(T r) {
  return r < 0 ? static_cast<T>(-errno) : r;
}
}  // namespace

int sys_epoll_create() { return result(epoll_create1(EPOLL_CLOEXEC)); }

int sys_epoll_add(int epfd, int fd, uint32_t events, uint64_t tag) {
  epoll_event ev{};
  ev.events = events;
  ev.data.u64 = tag;
  return result(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev));
}

int sys_epoll_del(int epfd, int fd) {
  epoll_event ev{};
  return result(epoll_ctl(epfd, EPOLL_CTL_DEL, fd, &ev));
}

int sys_epoll_wait(int epfd, epoll_event* events, int max, int timeout_ms) {
  return result(epoll_wait(epfd, events, max, timeout_ms));
}

int sys_eventfd() { return result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int sys_eventfd_write(int fd) {
  const uint64_t one = 1;
  for (;;) {
    const ssize_t n = write(fd, &one, sizeof one);
    if (n >= 0) return 0;
    if (errno != EINTR) return -errno;
  }
}

int sys_eventfd_read(int fd) {
  uint64_t sum;
  for (;;) {
    const ssize_t n = read(fd, &sum, sizeof sum);
    if (n >= 0) return 0;
    if (errno != EINTR) return -errno;
  }
}

int sys_socket_tcp4() {
  return result(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}
int sys_bind(int fd, const sockaddr* addr, socklen_t len) { return result(bind(fd, addr, len)); }
int sys_listen(int fd, int backlog) { return result(listen(fd, backlog)); }
int sys_accept(int fd) {
  return result(accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
}
int sys_connect(int fd, const sockaddr* addr, socklen_t len) {
  return result(connect(fd, addr, len));
}
int sys_shutdown(int fd, int how) { return result(shutdown(fd, how)); }
int sys_getsockname(int fd, sockaddr* addr, socklen_t* len) {
  return result(getsockname(fd, addr, len));
}
int sys_getpeername(int fd, sockaddr* addr, socklen_t* len) {
  return result(getpeername(fd, addr, len));
}
int sys_setsockopt(int fd, int level, int name, const void* value, socklen_t len) {
  return result(setsockopt(fd, level, name, value, len));
}
int sys_getsockopt_int(int fd, int level, int name, int* value) {
  socklen_t len = sizeof *value;
  return result(getsockopt(fd, level, name, value, &len));
}

ssize_t sys_read(int fd, void* buf, size_t len) { return result(read(fd, buf, len)); }
ssize_t sys_send(int fd, const void* buf, size_t len) {
  return result(send(fd, buf, len, MSG_NOSIGNAL));
}
int sys_close(int fd) { return result(close(fd)); }

}  // namespace netpoll

// SPDX-License-Identifier: MIT
//
// Entry points that make, name, connect and configure sockets.
#include <sys/socket.h>
#include <sys/syscall.h>

#include "shim/entry.h"

using namespace pollux::shim;

POLLUX_ENTRY int socket(int domain, int type, int protocol) noexcept {
  return result(call(SYS_socket, domain, type, protocol));
}

POLLUX_ENTRY int socketpair(int domain, int type, int protocol, int* pair) noexcept {
  return result(call(SYS_socketpair, domain, type, protocol, pair));
}

POLLUX_ENTRY int bind(int fd, const sockaddr* address, socklen_t length) noexcept {
  return result(call_on(__func__, SYS_bind, fd, address, length));
}

POLLUX_ENTRY int listen(int fd, int backlog) noexcept {
  return result(call_on(__func__, SYS_listen, fd, backlog));
}

POLLUX_ENTRY int accept4(int fd, sockaddr* address, socklen_t* length, int flags) {
  return result(call_on(__func__, SYS_accept4, fd, address, length, flags));
}

POLLUX_ENTRY int accept(int fd, sockaddr* address, socklen_t* length) {
  return result(call_on(__func__, SYS_accept4, fd, address, length, 0));
}

POLLUX_ENTRY int connect(int fd, const sockaddr* address, socklen_t length) {
  return result(call_on(__func__, SYS_connect, fd, address, length));
}
POLLUX_ENTRY int __connect(int, const sockaddr*, socklen_t) __attribute__((alias("connect")));

POLLUX_ENTRY int shutdown(int fd, int how) noexcept {
  return result(call_on(__func__, SYS_shutdown, fd, how));
}

POLLUX_ENTRY int getsockname(int fd, sockaddr* address, socklen_t* length) noexcept {
  return result(call_on(__func__, SYS_getsockname, fd, address, length));
}

POLLUX_ENTRY int getpeername(int fd, sockaddr* address, socklen_t* length) noexcept {
  return result(call_on(__func__, SYS_getpeername, fd, address, length));
}

POLLUX_ENTRY int getsockopt(int fd, int level, int option, void* value,
                            socklen_t* length) noexcept {
  return result(call_on(__func__, SYS_getsockopt, fd, level, option, value, length));
}

POLLUX_ENTRY int setsockopt(int fd, int level, int option, const void* value,
                            socklen_t length) noexcept {
  return result(call_on(__func__, SYS_setsockopt, fd, level, option, value, length));
}

// SPDX-License-Identifier: MIT
#include "src/sys.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
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

int sys_socket(int family, int type, int protocol) {
  return result(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
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

ssize_t sys_recvfrom(int fd, void* buf, size_t len, sockaddr* from, socklen_t* from_len) {
  return result(recvfrom(fd, buf, len, 0, from, from_len));
}
ssize_t sys_recvmsg(int fd, msghdr* message, int flags) {
  return result(recvmsg(fd, message, flags));
}
ssize_t sys_sendto(int fd, const void* buf, size_t len, const sockaddr* to, socklen_t to_len) {
  return result(sendto(fd, buf, len, MSG_NOSIGNAL, to, to_len));
}
ssize_t sys_sendmsg(int fd, const msghdr* message) {
  return result(sendmsg(fd, message, MSG_NOSIGNAL));
}
ssize_t sys_send(int fd, const void* buf, size_t len) {
  return result(send(fd, buf, len, MSG_NOSIGNAL));
}

ssize_t sys_recv(int fd, void* buf, size_t len) { return result(recv(fd, buf, len, 0)); }
ssize_t sys_read(int fd, void* buf, size_t len) { return result(read(fd, buf, len)); }
ssize_t sys_readv(int fd, const iovec* v, int count) { return result(readv(fd, v, count)); }
ssize_t sys_pread(int fd, void* buf, size_t len, int64_t offset) {
  return result(pread(fd, buf, len, offset));
}
ssize_t sys_write(int fd, const void* buf, size_t len) { return result(write(fd, buf, len)); }
ssize_t sys_writev(int fd, const iovec* v, int count) { return result(writev(fd, v, count)); }
ssize_t sys_pwrite(int fd, const void* buf, size_t len, int64_t offset) {
  return result(pwrite(fd, buf, len, offset));
}
ssize_t sys_sendfile(int to, int from, size_t len) {
  return result(sendfile(to, from, nullptr, len));
}
ssize_t sys_splice(int from, int to, size_t len) {
  return result(splice(from, nullptr, to, nullptr, len, SPLICE_F_NONBLOCK));
}

int sys_pipe(int fds[2]) { return result(pipe2(fds, O_CLOEXEC | O_NONBLOCK)); }
int sys_set_pipe_size(int fd, int size) { return result(fcntl(fd, F_SETPIPE_SZ, size)); }
int sys_dup(int fd) { return result(fcntl(fd, F_DUPFD_CLOEXEC, 0)); }
int sys_set_nonblocking(int fd, bool on) {
  const int flags = result(fcntl(fd, F_GETFL));
  if (flags < 0) return flags;
  return result(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}
int sys_unlink(const char* path) { return result(unlink(path)); }
int sys_close(int fd) { return result(close(fd)); }

}  // namespace netpoll

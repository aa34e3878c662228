// SPDX-License-Identifier: MIT
// The system calls of the runtime, one function each, in a file that never switches stacks: they
// return the result or -errno, so that no caller touches errno (whose address a compiler may keep
// across a switch to another thread). Failures are values; only the callers know which are fatal.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

struct epoll_event;

namespace netpoll {

int sys_epoll_create();
int sys_epoll_add(int epfd, int fd, uint32_t events, uint64_t tag);
int sys_epoll_del(int epfd, int fd);
int sys_epoll_wait(int epfd, epoll_event* events, int max, int timeout_ms);

int sys_eventfd();              // non-blocking
int sys_eventfd_write(int fd);  // adds 1; not interrupted
int sys_eventfd_read(int fd);   // empties it

int sys_socket(int family, int type, int protocol);  // non-blocking, close-on-exec
int sys_bind(int fd, const sockaddr* addr, socklen_t len);
int sys_listen(int fd, int backlog);
int sys_accept(int fd);  // non-blocking, close-on-exec
int sys_connect(int fd, const sockaddr* addr, socklen_t len);
int sys_shutdown(int fd, int how);
int sys_getsockname(int fd, sockaddr* addr, socklen_t* len);
int sys_getpeername(int fd, sockaddr* addr, socklen_t* len);
int sys_setsockopt(int fd, int level, int name, const void* value, socklen_t len);
int sys_getsockopt_int(int fd, int level, int name, int* value);

// On a socket this is cheaper than read(2), which has to think of files.
ssize_t sys_recv(int fd, void* buf, size_t len);
ssize_t sys_recvfrom(int fd, void* buf, size_t len, sockaddr* from, socklen_t* from_len);
ssize_t sys_recvmsg(int fd, msghdr* message, int flags);
// No sending call raises SIGPIPE.
ssize_t sys_sendto(int fd, const void* buf, size_t len, const sockaddr* to, socklen_t to_len);
ssize_t sys_sendmsg(int fd, const msghdr* message);
ssize_t sys_send(int fd, const void* buf, size_t len);

ssize_t sys_read(int fd, void* buf, size_t len);
ssize_t sys_readv(int fd, const iovec* v, int count);
ssize_t sys_pread(int fd, void* buf, size_t len, int64_t offset);
// Of the calls below, those that write to a pipe or socket without a reader raise SIGPIPE: see
// sigpipe_guard.h.
ssize_t sys_write(int fd, const void* buf, size_t len);
ssize_t sys_writev(int fd, const iovec* v, int count);
ssize_t sys_pwrite(int fd, const void* buf, size_t len, int64_t offset);
ssize_t sys_sendfile(int to, int from, size_t len);  // from its current offset
ssize_t sys_splice(int from, int to, size_t len);    // never waits for the pipe

int sys_pipe(int fds[2]);  // non-blocking, close-on-exec
int sys_set_pipe_size(int fd, int size);
int sys_dup(int fd);  // close-on-exec
int sys_set_nonblocking(int fd, bool on);
int sys_unlink(const char* path);
int sys_close(int fd);

}  // namespace netpoll

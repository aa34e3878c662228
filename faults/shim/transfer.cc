// SPDX-License-Identifier: MIT
//
// Entry points that move bytes: the read and write family, and its socket half.
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim/entry.h"

using namespace pollux::shim;

extern "C" [[noreturn]] void __chk_fail() noexcept;

// _FORTIFY_SOURCE's variants know the size of the destination.
static void check_fits(size_t wanted, size_t have) {
  if (wanted > have) __chk_fail();
}

// --- Reading

POLLUX_ENTRY ssize_t read(int fd, void* buffer, size_t size) {
  return result<ssize_t>(call_on(__func__, SYS_read, fd, buffer, size));
}
POLLUX_ENTRY ssize_t __read(int, void*, size_t) __attribute__((alias("read")));
POLLUX_ENTRY ssize_t __read_chk(int fd, void* buffer, size_t size, size_t have) {
  check_fits(size, have);
  return read(fd, buffer, size);
}

POLLUX_ENTRY ssize_t readv(int fd, const iovec* pieces, int count) {
  return result<ssize_t>(call_on(__func__, SYS_readv, fd, pieces, count));
}

POLLUX_ENTRY ssize_t pread(int fd, void* buffer, size_t size, off_t offset) {
  return result<ssize_t>(call_on(__func__, SYS_pread64, fd, buffer, size, offset));
}
POLLUX_ENTRY ssize_t pread64(int fd, void* buffer, size_t size, off64_t offset) {
  return pread(fd, buffer, size, offset);
}
POLLUX_ENTRY ssize_t __pread_chk(int fd, void* buffer, size_t size, off_t offset, size_t have) {
  check_fits(size, have);
  return pread(fd, buffer, size, offset);
}
POLLUX_ENTRY ssize_t __pread64_chk(int fd, void* buffer, size_t size, off64_t offset, size_t have) {
  check_fits(size, have);
  return pread(fd, buffer, size, offset);
}

// preadv and pwritev take the offset in two words; a 64-bit kernel reads the low one.
POLLUX_ENTRY ssize_t preadv(int fd, const iovec* pieces, int count, off_t offset) {
  return result<ssize_t>(call_on(__func__, SYS_preadv, fd, pieces, count, offset, 0));
}
POLLUX_ENTRY ssize_t preadv64(int fd, const iovec* pieces, int count, off64_t offset) {
  return preadv(fd, pieces, count, offset);
}

POLLUX_ENTRY ssize_t recvfrom(int fd, void* buffer, size_t size, int flags, sockaddr* from,
                              socklen_t* length) {
  return result<ssize_t>(call_on(__func__, SYS_recvfrom, fd, buffer, size, flags, from, length));
}
POLLUX_ENTRY ssize_t __recvfrom_chk(int fd, void* buffer, size_t size, size_t have, int flags,
                                    sockaddr* from, socklen_t* length) {
  check_fits(size, have);
  return recvfrom(fd, buffer, size, flags, from, length);
}

POLLUX_ENTRY ssize_t recv(int fd, void* buffer, size_t size, int flags) {
  return result<ssize_t>(
      call_on(__func__, SYS_recvfrom, fd, buffer, size, flags, nullptr, nullptr));
}
POLLUX_ENTRY ssize_t __recv(int, void*, size_t, int) __attribute__((alias("recv")));
POLLUX_ENTRY ssize_t __recv_chk(int fd, void* buffer, size_t size, size_t have, int flags) {
  check_fits(size, have);
  return recv(fd, buffer, size, flags);
}

POLLUX_ENTRY ssize_t recvmsg(int fd, msghdr* message, int flags) {
  return result<ssize_t>(call_on(__func__, SYS_recvmsg, fd, message, flags));
}

POLLUX_ENTRY int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  return result(call_on(__func__, SYS_recvmmsg, fd, messages, count, flags, timeout));
}

// --- Writing

POLLUX_ENTRY ssize_t write(int fd, const void* data, size_t size) {
  return result<ssize_t>(call_on(__func__, SYS_write, fd, data, size));
}
POLLUX_ENTRY ssize_t __write(int, const void*, size_t) __attribute__((alias("write")));

POLLUX_ENTRY ssize_t writev(int fd, const iovec* pieces, int count) {
  return result<ssize_t>(call_on(__func__, SYS_writev, fd, pieces, count));
}

POLLUX_ENTRY ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  return result<ssize_t>(call_on(__func__, SYS_pwrite64, fd, data, size, offset));
}
POLLUX_ENTRY ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  return pwrite(fd, data, size, offset);
}

POLLUX_ENTRY ssize_t pwritev(int fd, const iovec* pieces, int count, off_t offset) {
  return result<ssize_t>(call_on(__func__, SYS_pwritev, fd, pieces, count, offset, 0));
}
POLLUX_ENTRY ssize_t pwritev64(int fd, const iovec* pieces, int count, off64_t offset) {
  return pwritev(fd, pieces, count, offset);
}

POLLUX_ENTRY ssize_t sendto(int fd, const void* data, size_t size, int flags, const sockaddr* to,
                            socklen_t length) {
  return result<ssize_t>(call_on(__func__, SYS_sendto, fd, data, size, flags, to, length));
}

POLLUX_ENTRY ssize_t send(int fd, const void* data, size_t size, int flags) {
  return result<ssize_t>(call_on(__func__, SYS_sendto, fd, data, size, flags, nullptr, 0));
}
POLLUX_ENTRY ssize_t __send(int, const void*, size_t, int) __attribute__((alias("send")));

POLLUX_ENTRY ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  return result<ssize_t>(call_on(__func__, SYS_sendmsg, fd, message, flags));
}

POLLUX_ENTRY int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  return result(call_on(__func__, SYS_sendmmsg, fd, messages, count, flags));
}

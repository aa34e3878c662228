// SPDX-License-Identifier: MIT
//
// recvfrom, sendto, recvmsg and sendmsg on the stream sockets that the twin has.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "kernel/calls.h"
#include "kernel/state.h"

namespace pollux::kernel {
namespace {

constexpr size_t kIovMax = 1024;
constexpr int kReceiveFlags =
    MSG_PEEK | MSG_DONTWAIT | MSG_NOSIGNAL | MSG_WAITALL | MSG_TRUNC | MSG_CMSG_CLOEXEC;
constexpr int kSendFlags = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE | MSG_EOR;

// A socket, or an errno.
long socket_of(int fd, File** file) {
  *file = get_file(fd);
  if (*file == nullptr) return -EBADF;
  bool is_socket = (*file)->kind() == Kind::tcp || (*file)->kind() == Kind::unix_stream;
  return is_socket ? 0 : -ENOTSOCK;
}

// The vector of a msghdr (import_iovec); too many are EMSGSIZE here, not EINVAL.
long buffers_of(const msghdr* message, Buffers* buffers) {
  if (bad_address(message)) return -EFAULT;
  if (message->msg_iovlen > kIovMax) return -EMSGSIZE;
  if (message->msg_iovlen != 0 && bad_address(message->msg_iov)) return -EFAULT;
  size_t total = 0;
  for (size_t i = 0; i < message->msg_iovlen; ++i) {
    if (static_cast<ssize_t>(message->msg_iov[i].iov_len) < 0) return -EINVAL;
    total += message->msg_iov[i].iov_len;
  }
  *buffers = {message->msg_iov, message->msg_iovlen, total};
  return 0;
}

}  // namespace

long call_recvfrom(const Arguments& a) {
  File* file;
  if (long error = socket_of(a.integer(0), &file); error != 0) return error;
  int flags = a.integer(3);
  if ((flags & ~kReceiveFlags) != 0) unmodelled("recvfrom with other flags");
  iovec vector{a.pointer<void>(1), static_cast<size_t>(a[2])};
  long result = read_file(file, {&vector, 1, vector.iov_len}, flags);
  // A stream has no sender's name to give: the length says 0.
  if (result >= 0 && a.pointer<void>(4) != nullptr && !bad_address(a.pointer<void>(5))) {
    *a.pointer<socklen_t>(5) = 0;
  }
  return result;
}

long call_sendto(const Arguments& a) {
  File* file;
  if (long error = socket_of(a.integer(0), &file); error != 0) return error;
  int flags = a.integer(3);
  if ((flags & ~kSendFlags) != 0) unmodelled("sendto with other flags");
  iovec vector{a.pointer<void>(1), static_cast<size_t>(a[2])};
  // A connected TCP socket ignores the address; a unix stream does not.
  if (file->kind() == Kind::unix_stream && a.pointer<void>(4) != nullptr) return -EISCONN;
  return write_file(file, {&vector, 1, vector.iov_len}, flags);
}

long call_recvmsg(const Arguments& a) {
  File* file;
  if (long error = socket_of(a.integer(0), &file); error != 0) return error;
  int flags = a.integer(2);
  if ((flags & ~kReceiveFlags) != 0) unmodelled("recvmsg with other flags");
  auto* message = a.pointer<msghdr>(1);
  Buffers buffers;
  if (long error = buffers_of(message, &buffers); error != 0) return error;
  long result = read_file(file, buffers, flags);
  if (result >= 0) {
    message->msg_namelen = 0;
    message->msg_controllen = 0;
    message->msg_flags = flags & MSG_CMSG_CLOEXEC;
  }
  return result;
}

long call_sendmsg(const Arguments& a) {
  File* file;
  if (long error = socket_of(a.integer(0), &file); error != 0) return error;
  int flags = a.integer(2);
  if ((flags & ~kSendFlags) != 0) unmodelled("sendmsg with other flags");
  auto* message = a.pointer<const msghdr>(1);
  Buffers buffers;
  if (long error = buffers_of(message, &buffers); error != 0) return error;
  if (message->msg_control != nullptr && message->msg_controllen != 0) {
    unmodelled("sendmsg with control messages");
  }
  return write_file(file, buffers, flags);
}

}  // namespace pollux::kernel

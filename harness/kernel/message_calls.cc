// SPDX-License-Identifier: MIT
//
// recvfrom, sendto, recvmsg, sendmsg, recvmmsg and sendmmsg: how the program says where its bytes
// are, whom they are for and whom they are from.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernel/calls.h"
#include "kernel/clocks.h"
#include "kernel/control_messages.h"
#include "kernel/state.h"
#include "kernel/unix_packet.h"

namespace pollux::kernel {

long socket_of(int fd, Socket** socket) {
  File* file = get_file(fd);
  if (file == nullptr) return -EBADF;
  *socket = as_socket(file);
  return *socket != nullptr ? 0 : -ENOTSOCK;
}

long name_from(const void* address, int length, SocketName* name) {
  if (length < 0 || static_cast<size_t>(length) > sizeof name->address) return -EINVAL;
  if (length != 0 && bad_address(address)) return -EFAULT;
  std::memcpy(&name->address, address, static_cast<size_t>(length));
  name->length = static_cast<socklen_t>(length);
  return 0;
}

long name_to(const SocketName& name, void* address, socklen_t* length) {
  if (bad_address(length)) return -EFAULT;
  auto room = static_cast<int>(*length);
  if (room < 0) return -EINVAL;
  socklen_t copied = std::min(name.length, static_cast<socklen_t>(room));
  if (copied != 0) {
    if (bad_address(address)) return -EFAULT;
    std::memcpy(address, &name.address, copied);
  }
  *length = name.length;
  return 0;
}

namespace {

constexpr size_t kIovMax = 1024;
constexpr unsigned kMessagesMax = 1024;  // UIO_MAXIOV
constexpr int kReceiveFlags =
    MSG_PEEK | MSG_DONTWAIT | MSG_NOSIGNAL | MSG_WAITALL | MSG_TRUNC | MSG_CMSG_CLOEXEC;
constexpr int kSendFlags = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE | MSG_EOR;

// TCP has no use for names and control messages; its calls take the way without an envelope.
bool has_envelopes(const Socket* socket) { return socket->kind() != Kind::tcp; }

bool is_unix(const Socket* socket) {
  return socket->kind() == Kind::unix_stream || socket->kind() == Kind::unix_packet;
}

void check_flags(const char* call, int flags, int known) {
  if ((flags & ~known) != 0) unmodelled(call);
}

// The vector of a msghdr (import_iovec); too many are EMSGSIZE here, not EINVAL.
long buffers_of(const msghdr* message, Buffers* buffers) {
  if (bad_address(message)) return -EFAULT;
  if (static_cast<int>(message->msg_namelen) < 0 && message->msg_name != nullptr) return -EINVAL;
  if (message->msg_iovlen > kIovMax) return -EMSGSIZE;
  if (message->msg_iovlen != 0 && bad_address(message->msg_iov)) return -EFAULT;
  size_t total = 0;
  for (size_t i = 0; i < message->msg_iovlen; ++i) {
    if (static_cast<ssize_t>(message->msg_iov[i].iov_len) < 0) return -EINVAL;
    total = std::min(total + message->msg_iov[i].iov_len, kTransferMax);
  }
  *buffers = {message->msg_iov, message->msg_iovlen, total};
  return 0;
}

long receive_one(Socket* socket, msghdr* message, int flags) {  // ___sys_recvmsg
  Buffers buffers;
  if (long error = buffers_of(message, &buffers); error != 0) return error;
  Envelope envelope;
  long result = receive_message(socket, buffers, flags & ~MSG_WAITFORONE,
                                has_envelopes(socket) ? &envelope : nullptr);
  if (result < 0) return result;
  if (message->msg_name != nullptr) {
    if (long error = name_to(envelope.name, message->msg_name, &message->msg_namelen); error != 0) {
      return error;
    }
  }
  control_to(message, flags, &envelope);
  message->msg_flags = envelope.flags | (flags & MSG_CMSG_CLOEXEC);
  return result;
}

long send_one(Socket* socket, const msghdr* message, int flags) {  // ___sys_sendmsg
  Buffers buffers;
  if (long error = buffers_of(message, &buffers); error != 0) return error;
  Envelope envelope;
  if (message->msg_control != nullptr && message->msg_controllen != 0) {
    if (!is_unix(socket)) unmodelled("sendmsg with control messages on an internet socket");
    if (socket->kind() == Kind::unix_packet) {
      long error = static_cast<UnixPacketSocket*>(socket)->check_sender();
      if (error != 0) return error;
    }
    if (long error = control_from(*message, &envelope); error != 0) return error;
  }
  if (message->msg_name != nullptr) {
    auto length = std::min(message->msg_namelen, socklen_t{sizeof envelope.name.address});
    long error = name_from(message->msg_name, static_cast<int>(length), &envelope.name);
    if (error != 0) return error;
  }
  return send_message(socket, buffers, flags, has_envelopes(socket) ? &envelope : nullptr);
}

}  // namespace

long call_recvfrom(const Arguments& a) {
  Socket* socket;
  if (long error = socket_of(a.integer(0), &socket); error != 0) return error;
  int flags = a.integer(3);
  check_flags("recvfrom with other flags", flags, kReceiveFlags);
  iovec vector{a.pointer<void>(1), std::min(static_cast<size_t>(a[2]), kTransferMax)};
  Buffers buffers{&vector, 1, vector.iov_len};
  if (a.pointer<void>(4) == nullptr) return read_file(socket, buffers, flags);
  Envelope envelope;  // that of a stream stays empty: the length says 0
  long result =
      receive_message(socket, buffers, flags, has_envelopes(socket) ? &envelope : nullptr);
  if (result < 0) return result;
  long error = name_to(envelope.name, a.pointer<void>(4), a.pointer<socklen_t>(5));
  return error != 0 ? error : result;
}

long call_sendto(const Arguments& a) {
  Socket* socket;
  if (long error = socket_of(a.integer(0), &socket); error != 0) return error;
  int flags = a.integer(3);
  check_flags("sendto with other flags", flags, kSendFlags);
  iovec vector{a.pointer<void>(1), std::min(static_cast<size_t>(a[2]), kTransferMax)};
  Buffers buffers{&vector, 1, vector.iov_len};
  if (a.pointer<void>(4) == nullptr) return write_file(socket, buffers, flags);
  Envelope envelope;
  long error = name_from(a.pointer<const void>(4), a.integer(5), &envelope.name);
  if (error != 0) return error;
  // A name of length 0 is one here, unlike in sendmsg.
  if (envelope.name.length == 0 && socket->kind() == Kind::udp) return -EINVAL;
  return send_message(socket, buffers, flags, has_envelopes(socket) ? &envelope : nullptr);
}

long call_recvmsg(const Arguments& a) {
  Socket* socket;
  if (long error = socket_of(a.integer(0), &socket); error != 0) return error;
  check_flags("recvmsg with other flags", a.integer(2), kReceiveFlags);
  return receive_one(socket, a.pointer<msghdr>(1), a.integer(2));
}

long call_sendmsg(const Arguments& a) {
  Socket* socket;
  if (long error = socket_of(a.integer(0), &socket); error != 0) return error;
  check_flags("sendmsg with other flags", a.integer(2), kSendFlags);
  return send_one(socket, a.pointer<const msghdr>(1), a.integer(2));
}

// do_recvmmsg: ends at the first failure, and reports it only when nothing came before. The time
// limit is looked at after each message, not while waiting for one.
long call_recvmmsg(const Arguments& a) {
  const auto* limit = a.pointer<timespec>(4);
  if (limit != nullptr) {
    if (bad_address(limit)) return -EFAULT;
    if (!explore::is_valid(*limit)) return -EINVAL;
  }
  Socket* socket;
  if (long error = socket_of(a.integer(0), &socket); error != 0) return error;
  int flags = a.integer(3);
  check_flags("recvmmsg with other flags", flags, kReceiveFlags | MSG_WAITFORONE);
  if (socket->error != 0) return -socket->take_error();
  Time end = limit != nullptr ? after(explore::duration_of(*limit)) : kNever;
  auto* messages = a.pointer<mmsghdr>(1);
  unsigned count = std::min(static_cast<unsigned>(a[2]), kMessagesMax);
  FileReference reference(socket);
  unsigned received = 0;
  long result = 0;
  while (received < count) {
    if (bad_address(&messages[received])) {
      result = -EFAULT;
      break;
    }
    result = receive_one(socket, &messages[received].msg_hdr, flags);
    if (result < 0) break;
    messages[received++].msg_len = static_cast<unsigned>(result);
    if ((flags & MSG_WAITFORONE) != 0) flags |= MSG_DONTWAIT;
    if (now() >= end) break;
  }
  if (limit != nullptr) {
    *a.pointer<timespec>(4) = explore::to_timespec(end > now() ? end - now() : 0);
  }
  if (received == 0) return result;
  // What ended the batch is told by the next call.
  if (result < 0 && result != -EAGAIN) socket->error = static_cast<int>(-result);
  return received;
}

long call_sendmmsg(const Arguments& a) {  // __sys_sendmmsg
  Socket* socket;
  if (long error = socket_of(a.integer(0), &socket); error != 0) return error;
  check_flags("sendmmsg with other flags", a.integer(3), kSendFlags);
  auto* messages = a.pointer<mmsghdr>(1);
  unsigned count = std::min(static_cast<unsigned>(a[2]), kMessagesMax);
  FileReference reference(socket);
  for (unsigned sent = 0; sent < count; ++sent) {
    long result = bad_address(&messages[sent])
                      ? -EFAULT
                      : send_one(socket, &messages[sent].msg_hdr, a.integer(3));
    if (result < 0) return sent != 0 ? sent : result;
    messages[sent].msg_len = static_cast<unsigned>(result);
  }
  return count;
}

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
//
// socket, bind, listen, accept, connect ...: what is done before and after the sockets themselves.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernel/calls.h"
#include "kernel/fault_points.h"
#include "kernel/host.h"
#include "kernel/state.h"
#include "kernel/tcp.h"
#include "kernel/unix_stream.h"

namespace pollux::kernel {
namespace {

constexpr int kTypeFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;
constexpr int kTypes = 11;  // SOCK_MAX

bool is_socket(const File* file) {
  return file->kind() == Kind::tcp || file->kind() == Kind::unix_stream;
}

// A TCP socket, or an errno. `unix_error`: what a unix stream of a socketpair answers.
long tcp_of(int fd, TcpSocket** socket, long unix_error) {
  File* file = get_file(fd);
  if (file == nullptr) return -EBADF;
  if (!is_socket(file)) return -ENOTSOCK;
  if (file->kind() != Kind::tcp) return unix_error;
  *socket = static_cast<TcpSocket*>(file);
  return 0;
}

// move_addr_to_kernel and the checks that inet_bind and inet_stream_connect begin with.
long address_from(const Arguments& a, Address* address, bool* unspecified) {
  auto length = static_cast<socklen_t>(a[2]);
  const auto* from = a.pointer<const sockaddr>(1);
  if (a.integer(2) < 0 || length > sizeof(sockaddr_storage)) return -EINVAL;
  if (length != 0 && bad_address(from)) return -EFAULT;
  if (length < sizeof(sa_family_t)) return -EINVAL;
  if (unspecified != nullptr) {
    *unspecified = from->sa_family == AF_UNSPEC;
    if (*unspecified) return 0;
  }
  if (length < sizeof(sockaddr_in)) return -EINVAL;
  sockaddr_in in{};
  std::memcpy(&in, from, sizeof in);
  if (in.sin_family != AF_INET &&
      !(unspecified == nullptr && in.sin_family == AF_UNSPEC && in.sin_addr.s_addr == 0)) {
    return -EAFNOSUPPORT;
  }
  *address = {ntohl(in.sin_addr.s_addr), ntohs(in.sin_port)};
  return 0;
}

// move_addr_to_user: as much as fits, and the full length.
long bytes_to(const void* from, socklen_t size, void* target, socklen_t* length) {
  if (bad_address(length)) return -EFAULT;
  auto room = static_cast<int>(*length);
  if (room < 0) return -EINVAL;
  socklen_t copied = std::min(size, static_cast<socklen_t>(room));
  if (copied != 0) {
    if (bad_address(target)) return -EFAULT;
    std::memcpy(target, from, copied);
  }
  *length = size;
  return 0;
}

long address_to(Address address, void* target, socklen_t* length) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(address.port);
  in.sin_addr.s_addr = htonl(address.ip);
  return bytes_to(&in, sizeof in, target, length);
}

// Asks the points of accept where their needs hold. Zero: no fault.
long accept_faults(TcpSocket* listener) {
  using namespace faults;
  if (listener->state != TcpSocket::State::listen) return 0;
  if (fault(k_posix_io_net_accept4_eintr_lie)) return -EINTR;
  if (fault(k_posix_io_net_accept4_eintr)) return -EINTR;
  if (fault(k_posix_io_net_accept4_econnaborted_lie)) return -ECONNABORTED;
  TcpSocket* first = listener->first_queued();
  if (first == nullptr || listener->queue_hidden) return 0;
  if (listener->non_blocking) {
    if (fault(k_posix_io_net_accept4_eagain_lie)) return -EAGAIN;
    if (listener->may_hide_queue() && fault(k_posix_io_net_accept4_eagain)) {
      listener->hide_queue();
      return -EAGAIN;
    }
  }
  if (fault(k_posix_io_net_accept4_econnaborted)) {
    listener->abort_first_queued();
    return -ECONNABORTED;
  }
  if (first->may_be_reset_by_network() && fault(k_posix_io_net_accept4_reset)) {
    first->reset_by_network();
  }
  return 0;
}

long accept_with(const Arguments& a, int flags) {  // __sys_accept4_file
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  if ((flags & ~kTypeFlags) != 0) return -EINVAL;
  if (no_descriptor_free()) return -EMFILE;  // before the queue is looked at
  TcpSocket* listener;
  if (long error = tcp_of(a.integer(0), &listener, -EINVAL); error != 0) return error;
  if (long injected = accept_faults(listener); injected != 0) return injected;
  FileReference reference(listener);
  TcpSocket* child = nullptr;
  if (long error = listener->accept(&child); error != 0) return error;
  child->non_blocking = (flags & SOCK_NONBLOCK) != 0;
  Address peer = child->remote;
  // The number is taken before the address is copied: a bad address costs the connection.
  if (a.pointer<void>(1) != nullptr) {
    long error = address_to(peer, a.pointer<void>(1), a.pointer<socklen_t>(2));
    if (error != 0) {
      child->hold();
      child->drop();
      return error;
    }
  }
  return install(child, (flags & SOCK_CLOEXEC) != 0);
}

}  // namespace

long call_socket(const Arguments& a) {
  int domain = a.integer(0);
  int type = a.integer(1) & ~kTypeFlags;
  int protocol = a.integer(2);
  if (type >= 16) return -EINVAL;  // SOCK_TYPE_MASK
  if (domain == AF_INET6 || domain < 0 || domain >= AF_MAX) return -EAFNOSUPPORT;
  if (type < 0 || type >= kTypes) return -EINVAL;
  if (domain != AF_INET) {
    if (domain == AF_UNIX) unmodelled("socket(AF_UNIX, ...): only socketpair is modelled");
    unmodelled("socket of a family other than AF_INET");
  }
  if (type == SOCK_DGRAM) unmodelled("socket(AF_INET, SOCK_DGRAM)");
  if (type != SOCK_STREAM) unmodelled("socket(AF_INET, ...) of another type than SOCK_STREAM");
  if (protocol != 0 && protocol != IPPROTO_TCP) return -EPROTONOSUPPORT;
  if (no_descriptor_free()) return -EMFILE;
  TcpSocket* socket = TcpSocket::create(explore::current_host());
  socket->non_blocking = (a.integer(1) & SOCK_NONBLOCK) != 0;
  return install(socket, (a.integer(1) & SOCK_CLOEXEC) != 0);
}

long call_socketpair(const Arguments& a) {
  int type = a.integer(1) & ~kTypeFlags;
  if (a.integer(0) == AF_INET) return -EOPNOTSUPP;
  if (a.integer(0) != AF_UNIX) return -EAFNOSUPPORT;
  if (type < 0 || type >= kTypes) return -EINVAL;
  if (a.integer(2) != 0 && a.integer(2) != PF_UNIX) return -EPROTONOSUPPORT;
  if (type != SOCK_STREAM) unmodelled("socketpair of another type than SOCK_STREAM");
  int* numbers = a.pointer<int>(3);
  if (bad_address(numbers)) return -EFAULT;
  bool close_on_exec = (a.integer(1) & SOCK_CLOEXEC) != 0;
  if (no_descriptor_free()) return -EMFILE;
  UnixStream* ends[2];
  UnixStream::create_pair(explore::current_host(), &ends[0], &ends[1]);
  for (UnixStream* end : ends) end->non_blocking = (a.integer(1) & SOCK_NONBLOCK) != 0;
  ends[1]->hold();
  long first = install(ends[0], close_on_exec);
  long second = install(ends[1], close_on_exec);
  ends[1]->drop();
  if (second < 0) {
    current().fds.close(static_cast<int>(first));
    return second;
  }
  numbers[0] = static_cast<int>(first);
  numbers[1] = static_cast<int>(second);
  return 0;
}

long call_bind(const Arguments& a) {
  TcpSocket* socket;
  if (long error = tcp_of(a.integer(0), &socket, -EINVAL); error != 0) return error;
  Address address;
  if (long error = address_from(a, &address, nullptr); error != 0) return error;
  return socket->bind(address);
}

long call_listen(const Arguments& a) {
  TcpSocket* socket;
  if (long error = tcp_of(a.integer(0), &socket, -EINVAL); error != 0) return error;
  return socket->listen(a.integer(1));
}

long call_accept(const Arguments& a) { return accept_with(a, 0); }

long call_accept4(const Arguments& a) { return accept_with(a, a.integer(3)); }

long call_connect(const Arguments& a) {
  TcpSocket* socket;
  if (long error = tcp_of(a.integer(0), &socket, -EISCONN); error != 0) return error;
  Address address;
  bool unspecified = false;
  if (long error = address_from(a, &address, &unspecified); error != 0) return error;
  FileReference reference(socket);
  return unspecified ? socket->disconnect() : socket->connect(address);
}

long call_shutdown(const Arguments& a) {
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  if (!is_socket(file)) return -ENOTSOCK;
  if (file->kind() == Kind::unix_stream) {
    return static_cast<UnixStream*>(file)->shutdown(a.integer(1));
  }
  return static_cast<TcpSocket*>(file)->shutdown(a.integer(1));
}

long call_getsockname(const Arguments& a) {
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  if (!is_socket(file)) return -ENOTSOCK;
  if (file->kind() == Kind::unix_stream) {
    sa_family_t family = AF_UNIX;
    return bytes_to(&family, sizeof family, a.pointer<void>(1), a.pointer<socklen_t>(2));
  }
  return address_to(static_cast<TcpSocket*>(file)->local, a.pointer<void>(1),
                    a.pointer<socklen_t>(2));
}

long call_getpeername(const Arguments& a) {
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  if (!is_socket(file)) return -ENOTSOCK;
  if (file->kind() == Kind::unix_stream) {
    sa_family_t family = AF_UNIX;
    return bytes_to(&family, sizeof family, a.pointer<void>(1), a.pointer<socklen_t>(2));
  }
  auto* socket = static_cast<TcpSocket*>(file);
  if (!socket->has_peer_name()) return -ENOTCONN;
  return address_to(socket->remote, a.pointer<void>(1), a.pointer<socklen_t>(2));
}

}  // namespace pollux::kernel

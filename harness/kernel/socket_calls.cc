// SPDX-License-Identifier: MIT
//
// socket, bind, listen, accept, connect ...: what is done before and after the sockets themselves.
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "explore/kernel_order.h"
#include "kernel/calls.h"
#include "kernel/fault_points.h"
#include "kernel/host.h"
#include "kernel/state.h"
#include "kernel/tcp.h"
#include "kernel/udp.h"
#include "kernel/unix_socket.h"

namespace pollux::kernel {
namespace {

constexpr int kTypeFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;
constexpr int kTypes = 11;  // SOCK_MAX

UnixSocket* as_unix(Socket* socket) { return static_cast<UnixSocket*>(socket); }
const UnixSocket* as_unix(const Socket* socket) { return static_cast<const UnixSocket*>(socket); }

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

// For the order of threads: who listens is before who connects, who connects before who accepts.
// One object for all of them.
constexpr char connections = 0;

// The next connection of a listener, which has no descriptor yet, and who is at its other end.
long take_connection(Socket* listener, Socket** child, SocketName* peer) {
  switch (listener->kind()) {
    case Kind::tcp: {
      auto* tcp = static_cast<TcpSocket*>(listener);
      if (long injected = accept_faults(tcp); injected != 0) return injected;
      TcpSocket* accepted;
      if (long error = tcp->accept(&accepted); error != 0) return error;
      *child = accepted;
      *peer = accepted->name_of(accepted->remote);
      return 0;
    }
    case Kind::udp:
      return -EOPNOTSUPP;
    default: {
      UnixSocket* accepted;
      if (long error = as_unix(listener)->accept(&accepted); error != 0) return error;
      *child = accepted;
      *peer = accepted->peer_name();
      return 0;
    }
  }
}

long accept_with(const Arguments& a, int flags) {  // __sys_accept4_file
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  if ((flags & ~kTypeFlags) != 0) return -EINVAL;
  if (no_descriptor_free()) return -EMFILE;  // before the queue is looked at
  Socket* listener;
  if (long error = socket_of(a.integer(0), &listener); error != 0) return error;
  FileReference reference(listener);
  Socket* child = nullptr;
  SocketName peer;
  if (long error = take_connection(listener, &child, &peer); error != 0) return error;
  explore::kernel_acquire(&connections);
  child->non_blocking = (flags & SOCK_NONBLOCK) != 0;
  // The number is taken before the address is copied: a bad address costs the connection.
  if (a.pointer<void>(1) != nullptr) {
    long error = name_to(peer, a.pointer<void>(1), a.pointer<socklen_t>(2));
    if (error != 0) {
      child->hold();
      child->drop();
      return error;
    }
  }
  return install(child, (flags & SOCK_CLOEXEC) != 0);
}

}  // namespace

namespace {

// unix_create: SOCK_RAW is another word for SOCK_DGRAM. The type, or an errno.
long unix_type(int type, int protocol) {
  if (protocol != 0 && protocol != PF_UNIX) return -EPROTONOSUPPORT;
  if (type == SOCK_RAW) type = SOCK_DGRAM;
  bool exists = type == SOCK_STREAM || type == SOCK_DGRAM || type == SOCK_SEQPACKET;
  return exists ? type : -ESOCKTNOSUPPORT;
}

long unix_socket(int flags, int protocol) {
  long type = unix_type(flags & ~kTypeFlags, protocol);
  if (type < 0) return type;
  if (no_descriptor_free()) return -EMFILE;
  UnixSocket* socket = UnixSocket::create(explore::current_host(), static_cast<int>(type));
  socket->non_blocking = (flags & SOCK_NONBLOCK) != 0;
  return install(socket, (flags & SOCK_CLOEXEC) != 0);
}

}  // namespace

long call_socket(const Arguments& a) {
  int domain = a.integer(0);
  int type = a.integer(1) & ~kTypeFlags;
  int protocol = a.integer(2);
  if (type >= 16) return -EINVAL;  // SOCK_TYPE_MASK
  if (domain < 0 || domain >= AF_MAX) return -EAFNOSUPPORT;
  if (type < 0 || type >= kTypes) return -EINVAL;
  if (domain == AF_UNIX) return unix_socket(a.integer(1), protocol);
  bool inet6 = domain == AF_INET6;
  if (domain != AF_INET && !inet6) unmodelled("socket of another family");
  bool datagrams = type == SOCK_DGRAM;
  if (type == SOCK_SEQPACKET || type == SOCK_RDM) return -ESOCKTNOSUPPORT;
  if (!datagrams && type != SOCK_STREAM) unmodelled("socket of another type");
  if (datagrams && (protocol == IPPROTO_ICMP || protocol == IPPROTO_UDPLITE)) {
    unmodelled("a datagram socket of another protocol than UDP");
  }
  int own = datagrams ? IPPROTO_UDP : IPPROTO_TCP;
  if (protocol != 0 && protocol != own) return -EPROTONOSUPPORT;
  if (no_descriptor_free()) return -EMFILE;
  unsigned host = explore::current_host();
  Socket* socket = datagrams ? static_cast<Socket*>(UdpSocket::create(host, inet6))
                             : static_cast<Socket*>(TcpSocket::create(host, inet6));
  socket->non_blocking = (a.integer(1) & SOCK_NONBLOCK) != 0;
  return install(socket, (a.integer(1) & SOCK_CLOEXEC) != 0);
}

long call_socketpair(const Arguments& a) {
  int type = a.integer(1) & ~kTypeFlags;
  if (a.integer(0) == AF_INET || a.integer(0) == AF_INET6) return -EOPNOTSUPP;
  if (a.integer(0) != AF_UNIX) return -EAFNOSUPPORT;
  if (type < 0 || type >= kTypes) return -EINVAL;
  long kind = unix_type(type, a.integer(2));
  if (kind < 0) return kind;
  int* numbers = a.pointer<int>(3);
  if (bad_address(numbers)) return -EFAULT;
  bool close_on_exec = (a.integer(1) & SOCK_CLOEXEC) != 0;
  if (no_descriptor_free()) return -EMFILE;
  UnixSocket* ends[2];
  UnixSocket::create_pair(explore::current_host(), static_cast<int>(kind), &ends[0], &ends[1]);
  for (UnixSocket* end : ends) end->non_blocking = (a.integer(1) & SOCK_NONBLOCK) != 0;
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
  Socket* socket;
  if (long error = socket_of(a.integer(0), &socket); error != 0) return error;
  SocketName name;
  if (long error = name_from(a.pointer<const void>(1), a.integer(2), &name); error != 0) {
    return error;
  }
  switch (socket->kind()) {
    case Kind::tcp:
      return static_cast<TcpSocket*>(socket)->bind(name);
    case Kind::udp:
      return static_cast<UdpSocket*>(socket)->bind(name);
    default:
      return as_unix(socket)->bind(name);
  }
}

long call_listen(const Arguments& a) {
  Socket* socket;
  if (long error = socket_of(a.integer(0), &socket); error != 0) return error;
  explore::kernel_release(&connections);
  if (socket->kind() == Kind::tcp) return static_cast<TcpSocket*>(socket)->listen(a.integer(1));
  return socket->kind() == Kind::udp ? -EOPNOTSUPP : as_unix(socket)->listen(a.integer(1));
}

long call_accept(const Arguments& a) { return accept_with(a, 0); }

long call_accept4(const Arguments& a) { return accept_with(a, a.integer(3)); }

long call_connect(const Arguments& a) {
  Socket* socket;
  if (long error = socket_of(a.integer(0), &socket); error != 0) return error;
  SocketName name;
  if (long error = name_from(a.pointer<const void>(1), a.integer(2), &name); error != 0) {
    return error;
  }
  FileReference reference(socket);
  explore::kernel_release(&connections);
  long result = socket->kind() == Kind::tcp   ? static_cast<TcpSocket*>(socket)->connect(name)
                : socket->kind() == Kind::udp ? static_cast<UdpSocket*>(socket)->connect(name)
                                              : as_unix(socket)->connect(name);
  explore::kernel_acquire(&connections);
  return result;
}

long call_shutdown(const Arguments& a) {
  Socket* socket;
  if (long error = socket_of(a.integer(0), &socket); error != 0) return error;
  socket->make_known();
  switch (socket->kind()) {
    case Kind::tcp:
      return static_cast<TcpSocket*>(socket)->shutdown(a.integer(1));
    case Kind::udp:
      return static_cast<UdpSocket*>(socket)->shutdown(a.integer(1));
    default:
      return as_unix(socket)->shutdown(a.integer(1));
  }
}

namespace {

bool is_unix(const Socket* socket) {
  return socket->kind() == Kind::unix_stream || socket->kind() == Kind::unix_packet;
}

SocketName own_name(const Socket* socket) {
  if (!is_unix(socket)) {
    auto* inet = static_cast<const InetSocket*>(socket);
    return inet->name_of(inet->local);
  }
  SocketName name = as_unix(socket)->name();
  if (name.length != 0) return name;
  name.address.ss_family = AF_UNIX;
  name.length = sizeof(sa_family_t);
  return name;
}

// Length 0: there is no peer.
SocketName peer_name(const Socket* socket) {
  if (is_unix(socket)) return as_unix(socket)->peer_name();
  auto* inet = static_cast<const InetSocket*>(socket);
  bool known = socket->kind() == Kind::tcp
                   ? static_cast<const TcpSocket*>(socket)->has_peer_name()
                   : static_cast<const UdpSocket*>(socket)->connected && inet->remote.port != 0;
  return known ? inet->name_of(inet->remote) : SocketName{};
}

}  // namespace

long call_getsockname(const Arguments& a) {
  Socket* socket;
  if (long error = socket_of(a.integer(0), &socket); error != 0) return error;
  return name_to(own_name(socket), a.pointer<void>(1), a.pointer<socklen_t>(2));
}

long call_getpeername(const Arguments& a) {
  Socket* socket;
  if (long error = socket_of(a.integer(0), &socket); error != 0) return error;
  SocketName name = peer_name(socket);
  if (name.length == 0) return -ENOTCONN;
  return name_to(name, a.pointer<void>(1), a.pointer<socklen_t>(2));
}

}  // namespace pollux::kernel

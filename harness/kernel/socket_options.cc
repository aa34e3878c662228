// SPDX-License-Identifier: MIT
//
// getsockopt and setsockopt. An option that changes what the twin does is modelled; one that could
// only change packets that nobody sees is remembered or accepted; any other ends the run.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernel/calls.h"
#include "kernel/clocks.h"
#include "kernel/host.h"
#include "kernel/option_values.h"
#include "kernel/tcp.h"
#include "kernel/udp.h"
#include "kernel/unix_socket.h"
#include "pollux/shim/raw_system_call.h"

namespace pollux::kernel {
namespace {

constexpr uint32_t kSendBufferMin = 4608;     // SOCK_MIN_SNDBUF
constexpr uint32_t kReceiveBufferMin = 2304;  // SOCK_MIN_RCVBUF
constexpr int kKeepAliveTimeMax = 32767;      // MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL
constexpr int kKeepAliveCountMax = 127;       // MAX_TCP_KEEPCNT
constexpr int kSynCountMax = 127;             // MAX_TCP_SYNCNT
constexpr int kSynRetries = 6;                // net.ipv4.tcp_syn_retries
constexpr uint32_t kBufferMax = 212992;       // net.core.wmem_max, rmem_max

uint32_t doubled(int wanted, uint32_t least) {
  uint32_t value = wanted < 0 ? kBufferMax : std::min<uint32_t>(wanted, kBufferMax);
  return std::max(value * 2, least);
}

// sock_set_timeout: 0 waits for ever.
long timeout_from(const Arguments& a, int64_t* timeout) {
  timeval value;
  if (static_cast<socklen_t>(a[4]) < sizeof value) return -EINVAL;
  if (bad_address(a.pointer<void>(3))) return -EFAULT;
  std::memcpy(&value, a.pointer<void>(3), sizeof value);
  if (value.tv_usec < 0 || value.tv_usec >= 1'000'000) return -EDOM;
  *timeout = value.tv_sec < 0 ? 1 : explore::duration_of({value.tv_sec, value.tv_usec * 1000});
  return 0;
}

long answer_timeout(const Arguments& a, int64_t timeout) {
  timeval value{timeout / explore::kSecond, timeout % explore::kSecond / 1000};
  return answer(a, &value, sizeof value);
}

bool is_inet(const Socket* socket) {
  return socket->kind() == Kind::tcp || socket->kind() == Kind::udp;
}

int type_of(const Socket* socket) {
  if (!is_inet(socket)) return static_cast<const UnixSocket*>(socket)->type();
  return socket->kind() == Kind::udp ? SOCK_DGRAM : SOCK_STREAM;
}

int family_of(const Socket* socket) {
  if (!is_inet(socket)) return AF_UNIX;
  return static_cast<const InetSocket*>(socket)->inet6 ? AF_INET6 : AF_INET;
}

int protocol_of(const Socket* socket) {
  if (socket->kind() == Kind::tcp) return IPPROTO_TCP;
  return socket->kind() == Kind::udp ? IPPROTO_UDP : 0;
}

bool is_listener(const Socket* socket) {
  if (!is_inet(socket)) {
    return static_cast<const UnixSocket*>(socket)->state() == UnixSocket::State::listening;
  }
  return socket->kind() == Kind::tcp &&
         static_cast<const TcpSocket*>(socket)->state == TcpSocket::State::listen;
}

// SOL_SOCKET, which is kept for every family, whether it is of use to it or not (sk_setsockopt).
long set_common(Socket* socket, const Arguments& a) {
  int option = a.integer(2);
  switch (option) {
    case SO_RCVTIMEO:
      return timeout_from(a, &socket->receive_timeout);
    case SO_SNDTIMEO:
      return timeout_from(a, &socket->send_timeout);
    case SO_LINGER: {
      linger wanted;
      if (static_cast<socklen_t>(a[4]) < sizeof wanted) return -EINVAL;
      if (bad_address(a.pointer<void>(3))) return -EFAULT;
      std::memcpy(&wanted, a.pointer<void>(3), sizeof wanted);
      socket->linger_on = wanted.l_onoff != 0;
      socket->linger_seconds = wanted.l_linger;
      return 0;
    }
    default:
      break;
  }
  int value = 0;
  if (long error = value_from(a, &value); error != 0) return error;
  switch (option) {
    case SO_REUSEADDR:
      socket->reuse_address = value != 0;
      return 0;
    case SO_REUSEPORT:
      if (value != 0 && !is_inet(socket)) return -EOPNOTSUPP;
      socket->reuse_port = value != 0;
      return 0;
    case SO_KEEPALIVE:
      socket->keep_alive = value != 0;
      if (socket->kind() == Kind::tcp) static_cast<TcpSocket*>(socket)->watch_for_silence();
      return 0;
    case SO_BROADCAST:
      socket->broadcast = value != 0;
      return 0;
    case SO_SNDBUF:
      socket->send_buffer = doubled(value, kSendBufferMin);
      return 0;
    case SO_RCVBUF:
      socket->receive_buffer = doubled(value, kReceiveBufferMin);
      return 0;
    case SO_RCVLOWAT:
      if (socket->kind() != Kind::tcp) unmodelled("setsockopt(SO_RCVLOWAT) on another socket");
      static_cast<TcpSocket*>(socket)->receive_low_water =
          value < 0 ? INT32_MAX : std::max(value, 1);
      return 0;
    case SO_TYPE:
    case SO_DOMAIN:
    case SO_PROTOCOL:
    case SO_ERROR:
      return -ENOPROTOOPT;
    case SO_PRIORITY:
    case SO_OOBINLINE:
      return 0;
    default:
      unmodelled("setsockopt(SOL_SOCKET, ...) of another option");
  }
}

long get_common(Socket* socket, const Arguments& a) {
  switch (a.integer(2)) {
    case SO_ERROR:
      // What is held back has not come yet.
      return answer(a, static_cast<int>(socket->take_error()));
    case SO_TYPE:
      return answer(a, type_of(socket));
    case SO_DOMAIN:
      return answer(a, family_of(socket));
    case SO_PROTOCOL:
      return answer(a, protocol_of(socket));
    case SO_ACCEPTCONN:
      return answer(a, is_listener(socket));
    case SO_REUSEADDR:
      return answer(a, socket->reuse_address);
    case SO_REUSEPORT:
      return answer(a, socket->reuse_port);
    case SO_KEEPALIVE:
      return answer(a, socket->keep_alive);
    case SO_BROADCAST:
      return answer(a, socket->broadcast);
    case SO_SNDBUF:
      return answer(a, static_cast<int>(socket->send_buffer));
    case SO_RCVBUF:
      return answer(a, static_cast<int>(socket->receive_buffer));
    case SO_RCVLOWAT:
      return answer(a, socket->kind() == Kind::tcp
                           ? static_cast<int>(static_cast<TcpSocket*>(socket)->receive_low_water)
                           : 1);
    case SO_SNDLOWAT:
      return answer(a, 1);
    case SO_RCVTIMEO:
      return answer_timeout(a, socket->receive_timeout);
    case SO_SNDTIMEO:
      return answer_timeout(a, socket->send_timeout);
    case SO_PEERCRED: {  // everybody here is the same process; without a peer it is nobody
      bool known = !is_inet(socket) && static_cast<UnixSocket*>(socket)->has_credentials();
      ucred value{0, static_cast<uid_t>(-1), static_cast<gid_t>(-1)};
      if (known) {
        value = {static_cast<pid_t>(process_id(explore::current_host())),
                 static_cast<uid_t>(shim::raw_system_call(SYS_geteuid)),
                 static_cast<gid_t>(shim::raw_system_call(SYS_getegid))};
      }
      return answer(a, &value, sizeof value);
    }
    case SO_LINGER: {
      linger value{socket->linger_on, socket->linger_seconds};
      return answer(a, &value, sizeof value);
    }
    default:
      unmodelled("getsockopt(SOL_SOCKET, ...) of another option");
  }
}

long set_tcp(TcpSocket* socket, const Arguments& a) {
  int value = 0;
  if (long error = value_from(a, &value); error != 0) return error;
  switch (a.integer(2)) {
    case TCP_NODELAY:
      socket->no_delay = value != 0;
      return 0;
    case TCP_KEEPIDLE:
      if (value < 1 || value > kKeepAliveTimeMax) return -EINVAL;
      socket->keep_alive_times.idle = value;
      socket->watch_for_silence();
      return 0;
    case TCP_KEEPINTVL:
      if (value < 1 || value > kKeepAliveTimeMax) return -EINVAL;
      socket->keep_alive_times.interval = value;
      return 0;
    case TCP_KEEPCNT:
      if (value < 1 || value > kKeepAliveCountMax) return -EINVAL;
      socket->keep_alive_times.count = value;
      return 0;
    case TCP_USER_TIMEOUT:
      if (value < 0) return -EINVAL;
      socket->user_timeout = value * int64_t{1'000'000};
      return 0;
    case TCP_SYNCNT:
      if (value < 1 || value > kSynCountMax) return -EINVAL;
      socket->syn_count = static_cast<uint8_t>(value);
      return 0;
    case TCP_QUICKACK:
    case TCP_CORK:
      return 0;
    default:
      unmodelled("setsockopt(IPPROTO_TCP, ...) of another option");
  }
}

long get_tcp(TcpSocket* socket, const Arguments& a) {
  switch (a.integer(2)) {
    case TCP_NODELAY:
      return answer(a, socket->no_delay);
    case TCP_MAXSEG:
      return answer(a, 1460);
    case TCP_KEEPIDLE:
      return answer(a, socket->keep_alive_times.idle);
    case TCP_KEEPINTVL:
      return answer(a, socket->keep_alive_times.interval);
    case TCP_KEEPCNT:
      return answer(a, socket->keep_alive_times.count);
    case TCP_USER_TIMEOUT:
      return answer(a, static_cast<int>(socket->user_timeout / 1'000'000));
    case TCP_SYNCNT:
      return answer(a, socket->syn_count != 0 ? socket->syn_count : kSynRetries);
    default:
      break;
  }
  unmodelled("getsockopt(IPPROTO_TCP, ...) of another option");
}

}  // namespace

long call_setsockopt(const Arguments& a) {
  Socket* socket;
  if (long error = socket_of(a.integer(0), &socket); error != 0) return error;
  if (a.integer(4) < 0) return -EINVAL;
  int level = a.integer(1);
  if (level == SOL_SOCKET) return set_common(socket, a);
  if (!is_inet(socket)) return -EOPNOTSUPP;
  bool tcp = socket->kind() == Kind::tcp;
  switch (level) {
    case IPPROTO_TCP:
      return tcp ? set_tcp(static_cast<TcpSocket*>(socket), a) : -ENOPROTOOPT;
    case IPPROTO_UDP:
      if (tcp) return -ENOPROTOOPT;
      unmodelled("setsockopt(IPPROTO_UDP, ...)");
    case IPPROTO_IP:
      return set_ip_option(static_cast<InetSocket*>(socket), a);
    case IPPROTO_IPV6:
      return set_ipv6_option(static_cast<InetSocket*>(socket), a);
    default:
      unmodelled("setsockopt of another level");
  }
}

long call_getsockopt(const Arguments& a) {
  Socket* socket;
  if (long error = socket_of(a.integer(0), &socket); error != 0) return error;
  int level = a.integer(1);
  if (level == SOL_SOCKET) return get_common(socket, a);
  if (!is_inet(socket)) return -EOPNOTSUPP;
  if (level == IPPROTO_TCP) {
    return socket->kind() == Kind::tcp ? get_tcp(static_cast<TcpSocket*>(socket), a) : -EOPNOTSUPP;
  }
  if (level == IPPROTO_IP) return get_ip_option(static_cast<InetSocket*>(socket), a);
  if (level == IPPROTO_IPV6) return get_ipv6_option(static_cast<InetSocket*>(socket), a);
  unmodelled("getsockopt of another level");
}

}  // namespace pollux::kernel

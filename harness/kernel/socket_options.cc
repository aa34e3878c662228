// SPDX-License-Identifier: MIT
//
// getsockopt and setsockopt. An option that changes what the twin does is modelled; one that could
// only change packets that nobody sees is remembered or accepted; any other ends the run.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernel/calls.h"
#include "kernel/clocks.h"
#include "kernel/tcp.h"
#include "kernel/unix_stream.h"

namespace pollux::kernel {
namespace {

constexpr uint32_t kSendBufferMin = 4608;     // SOCK_MIN_SNDBUF
constexpr uint32_t kReceiveBufferMin = 2304;  // SOCK_MIN_RCVBUF
constexpr uint32_t kBufferMax = 212992;       // net.core.wmem_max, rmem_max

uint32_t doubled(int wanted, uint32_t least) {
  uint32_t value = wanted < 0 ? kBufferMax : std::min<uint32_t>(wanted, kBufferMax);
  return std::max(value * 2, least);
}

long value_from(const Arguments& a, int* value) {
  if (static_cast<socklen_t>(a[4]) < sizeof(int)) return -EINVAL;
  if (bad_address(a.pointer<void>(3))) return -EFAULT;
  std::memcpy(value, a.pointer<void>(3), sizeof *value);
  return 0;
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

long answer(const Arguments& a, const void* value, socklen_t size) {
  auto* length = a.pointer<socklen_t>(4);
  if (bad_address(length)) return -EFAULT;
  if (static_cast<int>(*length) < 0) return -EINVAL;
  *length = std::min(*length, size);
  if (*length != 0) {
    if (bad_address(a.pointer<void>(3))) return -EFAULT;
    std::memcpy(a.pointer<void>(3), value, *length);
  }
  return 0;
}

long answer(const Arguments& a, int value) { return answer(a, &value, sizeof value); }

long answer_timeout(const Arguments& a, int64_t timeout) {
  timeval value{timeout / explore::kSecond, timeout % explore::kSecond / 1000};
  return answer(a, &value, sizeof value);
}

long set_tcp(TcpSocket* socket, const Arguments& a) {
  int level = a.integer(1);
  int option = a.integer(2);
  int value = 0;
  if (level == SOL_SOCKET) {
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
    if (long error = value_from(a, &value); error != 0) return error;
    switch (option) {
      case SO_REUSEADDR:
        socket->reuse_address = value != 0;
        return 0;
      case SO_REUSEPORT:
        socket->reuse_port = value != 0;
        return 0;
      case SO_KEEPALIVE:
        socket->keep_alive = value != 0;
        return 0;
      case SO_SNDBUF:
        socket->send_buffer = doubled(value, kSendBufferMin);
        return 0;
      case SO_RCVBUF:
        socket->receive_buffer = doubled(value, kReceiveBufferMin);
        return 0;
      case SO_RCVLOWAT:
        socket->receive_low_water = value < 0 ? INT32_MAX : std::max(value, 1);
        return 0;
      case SO_TYPE:
      case SO_DOMAIN:
      case SO_PROTOCOL:
      case SO_ERROR:
        return -ENOPROTOOPT;
      case SO_BROADCAST:
      case SO_PRIORITY:
      case SO_OOBINLINE:
        return 0;
      default:
        unmodelled("setsockopt(SOL_SOCKET, ...) of another option");
    }
  }
  if (long error = value_from(a, &value); error != 0) return error;
  if (level == IPPROTO_TCP) {
    switch (option) {
      case TCP_NODELAY:
        socket->no_delay = value != 0;
        return 0;
      case TCP_KEEPIDLE:
      case TCP_KEEPINTVL:
      case TCP_KEEPCNT:
        return value < 1 ? -EINVAL : 0;
      case TCP_QUICKACK:
      case TCP_USER_TIMEOUT:
      case TCP_SYNCNT:
      case TCP_CORK:
        return 0;
      default:
        unmodelled("setsockopt(IPPROTO_TCP, ...) of another option");
    }
  }
  if (level == IPPROTO_IP) {
    if (option == IP_TOS || option == IP_TTL) return 0;
    unmodelled("setsockopt(IPPROTO_IP, ...) of another option");
  }
  if (level == IPPROTO_IPV6) return -ENOPROTOOPT;
  unmodelled("setsockopt of another level");
}

long get_tcp(TcpSocket* socket, const Arguments& a) {
  int level = a.integer(1);
  int option = a.integer(2);
  if (level == SOL_SOCKET) {
    switch (option) {
      case SO_ERROR:
        // What is held back has not come yet.
        return answer(a, static_cast<int>(socket->take_error()));
      case SO_TYPE:
        return answer(a, SOCK_STREAM);
      case SO_DOMAIN:
        return answer(a, AF_INET);
      case SO_PROTOCOL:
        return answer(a, IPPROTO_TCP);
      case SO_ACCEPTCONN:
        return answer(a, socket->state == TcpSocket::State::listen);
      case SO_REUSEADDR:
        return answer(a, socket->reuse_address);
      case SO_REUSEPORT:
        return answer(a, socket->reuse_port);
      case SO_KEEPALIVE:
        return answer(a, socket->keep_alive);
      case SO_SNDBUF:
        return answer(a, static_cast<int>(socket->send_buffer));
      case SO_RCVBUF:
        return answer(a, static_cast<int>(socket->receive_buffer));
      case SO_RCVLOWAT:
        return answer(a, static_cast<int>(socket->receive_low_water));
      case SO_SNDLOWAT:
        return answer(a, 1);
      case SO_RCVTIMEO:
        return answer_timeout(a, socket->receive_timeout);
      case SO_SNDTIMEO:
        return answer_timeout(a, socket->send_timeout);
      case SO_LINGER: {
        linger value{socket->linger_on, socket->linger_seconds};
        return answer(a, &value, sizeof value);
      }
      default:
        unmodelled("getsockopt(SOL_SOCKET, ...) of another option");
    }
  }
  if (level == IPPROTO_TCP && option == TCP_NODELAY) return answer(a, socket->no_delay);
  if (level == IPPROTO_TCP && option == TCP_MAXSEG) return answer(a, 1460);
  unmodelled("getsockopt of another option");
}

long set_unix(UnixStream* socket, const Arguments& a) {
  if (a.integer(1) != SOL_SOCKET) return -EOPNOTSUPP;
  if (a.integer(2) == SO_RCVTIMEO) return timeout_from(a, &socket->receive_timeout);
  if (a.integer(2) == SO_SNDTIMEO) return timeout_from(a, &socket->send_timeout);
  int value;
  if (long error = value_from(a, &value); error != 0) return error;
  switch (a.integer(2)) {
    case SO_SNDBUF:
      socket->send_buffer = doubled(value, kSendBufferMin);
      return 0;
    case SO_RCVBUF:
      socket->receive_buffer = doubled(value, kReceiveBufferMin);
      return 0;
    case SO_LINGER:  // kept by sk_setsockopt for every family, of use to none here
      return static_cast<socklen_t>(a[4]) < sizeof(linger) ? -EINVAL : 0;
    case SO_REUSEADDR:
    case SO_KEEPALIVE:
    case SO_BROADCAST:
    case SO_PRIORITY:
      return 0;
    default:
      unmodelled("setsockopt on a unix socket");
  }
}

long get_unix(UnixStream* socket, const Arguments& a) {
  if (a.integer(1) != SOL_SOCKET) return -EOPNOTSUPP;
  switch (a.integer(2)) {
    case SO_ERROR:
      return answer(a, static_cast<int>(socket->take_error()));
    case SO_TYPE:
      return answer(a, SOCK_STREAM);
    case SO_DOMAIN:
      return answer(a, AF_UNIX);
    case SO_PROTOCOL:
    case SO_ACCEPTCONN:
      return answer(a, 0);
    case SO_SNDBUF:
      return answer(a, static_cast<int>(socket->send_buffer));
    case SO_RCVBUF:
      return answer(a, static_cast<int>(socket->receive_buffer));
    case SO_RCVTIMEO:
      return answer_timeout(a, socket->receive_timeout);
    case SO_SNDTIMEO:
      return answer_timeout(a, socket->send_timeout);
    default:
      unmodelled("getsockopt on a unix socket");
  }
}

}  // namespace

long call_setsockopt(const Arguments& a) {
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  if (a.integer(4) < 0) return -EINVAL;
  if (file->kind() == Kind::tcp) return set_tcp(static_cast<TcpSocket*>(file), a);
  if (file->kind() == Kind::unix_stream) return set_unix(static_cast<UnixStream*>(file), a);
  return -ENOTSOCK;
}

long call_getsockopt(const Arguments& a) {
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  if (file->kind() == Kind::tcp) return get_tcp(static_cast<TcpSocket*>(file), a);
  if (file->kind() == Kind::unix_stream) return get_unix(static_cast<UnixStream*>(file), a);
  return -ENOTSOCK;
}

}  // namespace pollux::kernel

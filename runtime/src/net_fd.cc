// SPDX-License-Identifier: MIT
#include "src/net_fd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "src/sys.h"

namespace netpoll {

namespace {

constexpr int keepalive_idle_s = 15;
constexpr int keepalive_interval_s = 15;
constexpr int keepalive_count = 9;

Ipv4Endpoint from_sockaddr(const sockaddr_in& a) {
  return {ntohl(a.sin_addr.s_addr), ntohs(a.sin_port)};
}

void set_int(int fd, int level, int name, int value) {
  (void)sys_setsockopt(fd, level, name, &value, sizeof value);
}

}  // namespace

sockaddr_in to_sockaddr(Ipv4Endpoint e) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(e.port);
  a.sin_addr.s_addr = htonl(e.address_host_order);
  return a;
}

Ipv4Endpoint local_endpoint(int fd) {
  sockaddr_in a{};
  socklen_t len = sizeof a;
  return sys_getsockname(fd, reinterpret_cast<sockaddr*>(&a), &len) < 0 ? Ipv4Endpoint{}
                                                                        : from_sockaddr(a);
}

int remote_endpoint(int fd, Ipv4Endpoint* out) {
  sockaddr_in a{};
  socklen_t len = sizeof a;
  const int r = sys_getpeername(fd, reinterpret_cast<sockaddr*>(&a), &len);
  if (r == 0) *out = from_sockaddr(a);
  return r;
}

void set_connection_defaults(int fd) {
  set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle_s);
  set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_interval_s);
  set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, keepalive_count);
}

}  // namespace netpoll

// SPDX-License-Identifier: MIT
//
// IPv6: TCP and UDP over ::1, and IPv4 through IPv6 sockets.
// ipv6(7), RFC 3493; in the kernel inet6_bind, tcp_v6_connect, udpv6_sendmsg,
// __ip6_datagram_connect, inet_rcv_saddr_equal.
#include <arpa/inet.h>
#include <netinet/tcp.h>

#include <cstring>
#include <string>

#include "toolbox.h"

namespace conformance {
namespace {

constexpr int kBoth[] = {SOCK_STREAM, SOCK_DGRAM};

struct Address6 {
  Address6() = default;
  Address6(const char* ip, uint16_t port) {
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    inet_pton(AF_INET6, ip, &in.sin6_addr);
  }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&in); }
  sockaddr_in6 in{};
  socklen_t size = sizeof(sockaddr_in6);
};

Fd inet6_socket(int type, bool only = false) {
  Fd fd(static_cast<int>(must(socket(AF_INET6, type | SOCK_NONBLOCK, 0), "socket")));
  if (only) must(set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1), "IPV6_V6ONLY");
  return fd;
}

Fd inet4_socket(int type) { return type == SOCK_STREAM ? tcp_socket() : udp_socket(); }

int bind6(int fd, const char* ip, uint16_t port) {
  Address6 address(ip, port);
  return bind(fd, address.get(), address.size);
}
int connect6(int fd, const char* ip, uint16_t port) {
  Address6 address(ip, port);
  return connect(fd, address.get(), address.size);
}
ssize_t send6(int fd, const char* ip, uint16_t port) {
  Address6 address(ip, port);
  return sendto(fd, "x", 1, 0, address.get(), address.size);
}
int bind4(int fd, uint32_t ip, uint16_t port) {
  Address address = loopback(port);
  address.in.sin_addr.s_addr = htonl(ip);
  return bind(fd, address.get(), Address::kSize);
}

std::string text_of(const Address6& address) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, &address.in.sin6_addr, text, sizeof text);
  return text;
}
std::string own_ip(int fd) {
  Address6 address;
  must(getsockname(fd, address.get(), &address.size), "getsockname");
  return text_of(address);
}
std::string peer_ip(int fd) {
  Address6 address;
  must(getpeername(fd, address.get(), &address.size), "getpeername");
  return text_of(address);
}

CONFORMANCE(Inet6, FreshSocket) {
  for (int type : kBoth) {
    Fd fd = inet6_socket(type);
    Address6 address;
    FACT(getsockname(fd, address.get(), &address.size), Succeeds(0));
    FACT(address.size, Succeeds(28));
    FACT(address.in.sin6_family, Succeeds(AF_INET6));
    FACT(text_of(address) == "::", Holds());
    FACT(get_option(fd, SOL_SOCKET, SO_DOMAIN), Succeeds(AF_INET6));
    FACT(get_option(fd, IPPROTO_IPV6, IPV6_V6ONLY), Succeeds(0));
  }
  int ends[2];
  FACT(socketpair(AF_INET6, SOCK_STREAM, 0, ends), FailsWith(EOPNOTSUPP));
  FACT(socket(AF_INET6, SOCK_STREAM, IPPROTO_UDP), FailsWith(EPROTONOSUPPORT));
}

CONFORMANCE(Inet6, BindChecks) {
  for (int type : kBoth) {
    Fd fd = inet6_socket(type);
    Address6 address("::1", 0);
    FACT(bind(fd, address.get(), 20), FailsWith(EINVAL));
    Address four = loopback(0);
    FACT(bind(fd, four.get(), Address::kSize), FailsWith(EINVAL));  // too short
    address.in.sin6_family = AF_INET;
    FACT(bind(fd, address.get(), address.size), FailsWith(EAFNOSUPPORT));
    FACT(bind6(fd, "2001:db8::1", 0), FailsWith(EADDRNOTAVAIL));
    address = Address6("::1", 0);
    FACT(bind(fd, address.get(), 24), Succeeds(0));  // without a scope, as of RFC 2133
    FACT(own_ip(fd) == "::1", Holds());
    FACT(bind6(fd, "::1", 0), FailsWith(EINVAL));
    FACT(set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1), FailsWith(EINVAL));
    Fd mapped = inet6_socket(type);
    FACT(bind6(mapped, "::ffff:127.0.0.1", 0), Succeeds(0));
    FACT(own_ip(mapped) == "::ffff:127.0.0.1", Holds());
    FACT(bind6(inet6_socket(type, true), "::ffff:127.0.0.1", 0), FailsWith(EINVAL));
    FACT(bind6(inet4_socket(type), "::1", 0), FailsWith(EAFNOSUPPORT));
  }
}

CONFORMANCE(Inet6, OptionsAreOfTheFamily) {
  Fd four = udp_socket(), six = inet6_socket(SOCK_DGRAM);
  FACT(set_option(four, IPPROTO_IPV6, IPV6_V6ONLY, 1), FailsWith(ENOPROTOOPT));
  FACT(get_option(four, IPPROTO_IPV6, IPV6_V6ONLY), FailsWith(EOPNOTSUPP));
  FACT(set_option(six, IPPROTO_IP, IP_TTL, 5), Succeeds(0));
}

// A port that nobody has in either family: on Linux other programs have ports as well.
uint16_t free_port(int type) {
  for (;;) {
    Fd four = inet4_socket(type), six = inet6_socket(type, true);
    must(bind4(four, INADDR_ANY, 0), "bind");
    uint16_t port = local_port(four);
    if (bind6(six, "::", port) == 0) return port;
  }
}

CONFORMANCE(Inet6, WhoSharesAPort) {
  // Two sockets may have a port unless there is an address that both would hear.
  struct {
    const char* six;
    bool only;
    uint32_t four;
    bool conflict;
  } const kCases[] = {
      {"::", false, INADDR_ANY, true},
      {"::", false, INADDR_LOOPBACK, true},
      {"::", true, INADDR_ANY, false},
      {"::", true, INADDR_LOOPBACK, false},
      {"::1", false, INADDR_ANY, false},
      {"::1", false, INADDR_LOOPBACK, false},
      {"::ffff:127.0.0.1", false, INADDR_ANY, true},
      {"::ffff:127.0.0.1", false, INADDR_LOOPBACK, true},
  };
  for (int type : kBoth) {
    for (const auto& each : kCases) {
      Expectation result = each.conflict ? FailsWith(EADDRINUSE) : Succeeds(0);
      Fd four = inet4_socket(type), six = inet6_socket(type, each.only);
      uint16_t port = free_port(type);
      must(bind4(four, each.four, port), "bind");
      FACT(bind6(six, each.six, port), result);
    }
    for (const auto& each : kCases) {
      Expectation result = each.conflict ? FailsWith(EADDRINUSE) : Succeeds(0);
      Fd four = inet4_socket(type), six = inet6_socket(type, each.only);
      uint16_t port = free_port(type);
      must(bind6(six, each.six, port), "bind");
      FACT(bind4(four, each.four, port), result);
    }
  }
}

uint16_t port_of(int fd) {
  Address6 address;
  must(getsockname(fd, address.get(), &address.size), "getsockname");
  return ntohs(address.in.sin6_port);
}

struct Listener6 {
  explicit Listener6(const char* ip, bool only = false) : fd(inet6_socket(SOCK_STREAM, only)) {
    must(bind6(fd, ip, 0), "bind");
    must(listen(fd, 4), "listen");
    port = port_of(fd);
  }
  operator int() const { return fd; }
  Fd fd;
  uint16_t port;
};

CONFORMANCE(Inet6, WildcardWithWildcard) {
  for (int type : kBoth) {
    for (bool only : {false, true}) {
      Fd a = inet6_socket(type, only), b = inet6_socket(type, only), c = inet6_socket(type);
      uint16_t port = free_port(type);
      must(bind6(a, "::", port), "bind");
      FACT(bind6(b, "::1", port), FailsWith(EADDRINUSE));
      FACT(bind6(b, "::", port), FailsWith(EADDRINUSE));
      FACT(bind6(c, "::ffff:127.0.0.1", port), only ? Succeeds(0) : FailsWith(EADDRINUSE));
    }
  }
}

CONFORMANCE(Inet6, StreamOverLoopback) {
  Listener6 listener("::1");
  Fd client = inet6_socket(SOCK_STREAM);
  FACT(connect6(client, "::1", listener.port), FailsWith(EINPROGRESS));
  settle();
  Address6 from;
  Fd server(accept4(listener, from.get(), &from.size, SOCK_NONBLOCK));
  FACT(from.size, Succeeds(28));
  FACT(text_of(from) == "::1", Holds());
  FACT(own_ip(server) == "::1" && peer_ip(client) == "::1", Holds());
  FACT(transmit(client, 5), Succeeds(5));
  settle();
  FACT(receive(server, 10), Succeeds(5));
  client.close();
  settle();
  FACT(ready(server), Mask("IN|OUT|RDHUP"));
}

CONFORMANCE(Inet6, DualStackListener) {
  Listener6 listener("::");
  Fd four = tcp_socket(), six = inet6_socket(SOCK_STREAM), mapped = inet6_socket(SOCK_STREAM);
  connect_to(four, listener.port);
  settle();
  Fd accepted = accept_from(listener);
  FACT(get_option(accepted, SOL_SOCKET, SO_DOMAIN), Succeeds(AF_INET6));
  FACT(own_ip(accepted) == "::ffff:127.0.0.1", Holds());
  FACT(peer_ip(accepted) == "::ffff:127.0.0.1", Holds());
  connect6(six, "::1", listener.port);
  settle();
  Fd second = accept_from(listener);
  FACT(peer_ip(second) == "::1", Holds());
  connect6(mapped, "::ffff:127.0.0.1", listener.port);
  settle();
  Fd third = accept_from(listener);
  FACT(peer_ip(third) == "::ffff:127.0.0.1" && own_ip(mapped) == "::ffff:127.0.0.1", Holds());
}

CONFORMANCE(Inet6, MappedMeetsFour) {
  Listener listener;
  Fd client = inet6_socket(SOCK_STREAM);
  connect6(client, "::ffff:127.0.0.1", listener.port);
  settle();
  Address from;
  socklen_t size = Address::kSize;
  Fd server(accept(listener, from.get(), &size));
  FACT(size, Succeeds(Address::kSize));
  FACT(from.in.sin_family, Succeeds(AF_INET));
  FACT(peer_ip(client) == "::ffff:127.0.0.1", Holds());
}

CONFORMANCE(Inet6, FamiliesThatDoNotMeet) {
  Listener four;
  Fd client = inet6_socket(SOCK_STREAM);
  connect6(client, "::1", four.port);
  settle();
  FACT(socket_error(client), Error(ECONNREFUSED));
  Listener6 only("::", true);
  Fd other = tcp_socket();
  connect_to(other, only.port);
  settle();
  FACT(socket_error(other), Error(ECONNREFUSED));
}

CONFORMANCE(Inet6, ConnectChecks) {
  Address6 address("::1", 9);
  Address four = loopback(9);
  Fd stream = inet6_socket(SOCK_STREAM);
  FACT(connect(stream, address.get(), 20), FailsWith(EINVAL));
  FACT(connect(stream, four.get(), Address::kSize), FailsWith(EINVAL));
  for (int type : kBoth) {
    FACT(connect6(inet6_socket(type, true), "::ffff:127.0.0.1", 9), FailsWith(ENETUNREACH));
    FACT(connect6(inet4_socket(type), "::1", 9), FailsWith(EAFNOSUPPORT));
    Fd six = inet6_socket(type), mapped = inet6_socket(type);
    bind6(six, "::1", 0);
    bind6(mapped, "::ffff:127.0.0.1", 0);
    FACT(connect6(six, "::ffff:127.0.0.1", 9), FailsWith(ENETUNREACH));
    FACT(connect6(mapped, "::1", 9), FailsWith(EAFNOSUPPORT));
  }
  Fd datagram = inet6_socket(SOCK_DGRAM);
  FACT(connect(datagram, four.get(), Address::kSize), Succeeds(0));  // UDP takes it
  FACT(own_ip(datagram) == "::ffff:127.0.0.1", Holds());
  Fd only = inet6_socket(SOCK_DGRAM, true);
  FACT(connect(only, four.get(), Address::kSize), FailsWith(EAFNOSUPPORT));
  Fd any = inet6_socket(SOCK_DGRAM);
  FACT(connect6(any, "::", 9), Succeeds(0));  // means oneself
  FACT(peer_ip(any) == "::1" && own_ip(any) == "::1", Holds());
}

CONFORMANCE(Inet6, Datagrams) {
  Fd receiver = inet6_socket(SOCK_DGRAM);
  bind6(receiver, "::", 0);
  uint16_t port = port_of(receiver);
  Fd four = udp_socket(), six = inet6_socket(SOCK_DGRAM);
  FACT(send_to(four, port, 3), Succeeds(3));
  settle();
  char bytes[8];
  Address6 from;
  FACT(recvfrom(receiver, bytes, 8, 0, from.get(), &from.size), Succeeds(3));
  FACT(text_of(from) == "::ffff:127.0.0.1" && from.size == 28, Holds());
  FACT(sendto(receiver, bytes, 2, 0, from.get(), from.size), Succeeds(2));
  settle();
  FACT(receive(four, 8), Succeeds(2));
  FACT(send6(six, "::1", port), Succeeds(1));
  settle();
  FACT(recvfrom(receiver, bytes, 8, 0, from.get(), &from.size), Succeeds(1));
  FACT(text_of(from) == "::1", Holds());
  FACT(own_ip(six) == "::", Holds());
  FACT(send6(six, "::ffff:127.0.0.1", port), Succeeds(1));
  FACT(send_to(six, port, 1), Succeeds(1));  // a sockaddr_in
  settle();
  FACT(recvfrom(receiver, bytes, 8, 0, from.get(), &from.size), Succeeds(1));
  FACT(text_of(from) == "::ffff:127.0.0.1", Holds());
  FACT(receive(receiver, 8), Succeeds(1));
}

CONFORMANCE(Inet6, DatagramChecks) {
  Fd six = inet6_socket(SOCK_DGRAM), only = inet6_socket(SOCK_DGRAM, true), four = udp_socket();
  Address6 address("::1", 9);
  FACT(sendto(six, "x", 1, 0, address.get(), 20), FailsWith(EINVAL));
  FACT(send6(six, "::1", 0), FailsWith(EINVAL));
  FACT(send6(only, "::ffff:127.0.0.1", 9), FailsWith(ENETUNREACH));
  FACT(send_to(only, 9, 1), FailsWith(ENETUNREACH));
  FACT(send6(four, "::1", 9), FailsWith(EAFNOSUPPORT));
  Fd bound = inet6_socket(SOCK_DGRAM), mapped = inet6_socket(SOCK_DGRAM);
  bind6(bound, "::1", 0);
  bind6(mapped, "::ffff:127.0.0.1", 0);
  FACT(send6(bound, "::ffff:127.0.0.1", 9), FailsWith(ENETUNREACH));
  FACT(send_to(bound, 9, 1), FailsWith(ENETUNREACH));
  FACT(send6(mapped, "::1", 9), FailsWith(EAFNOSUPPORT));
}

CONFORMANCE(Inet6, DatagramRefused) {
  Fd six = inet6_socket(SOCK_DGRAM), probe = inet6_socket(SOCK_DGRAM);
  bind6(six, "::1", 0);
  bind6(probe, "::1", 0);
  uint16_t port = port_of(probe);
  probe.close();
  FACT(connect6(six, "::1", port), Succeeds(0));
  FACT(transmit(six, 1), Succeeds(1));
  settle();
  FACT(ready(six), Mask("OUT|ERR"));
  FACT(receive(six, 1), FailsWith(ECONNREFUSED));
}

CONFORMANCE(Inet6, DissolvedForgetsTheFamilyToo) {
  Fd six = inet6_socket(SOCK_DGRAM);
  connect6(six, "::ffff:127.0.0.1", 9);
  FACT(own_ip(six) == "::ffff:127.0.0.1", Holds());
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  FACT(connect(six, &nobody, sizeof nobody), Succeeds(0));
  FACT(own_ip(six) == "::", Holds());
  FACT(connect6(six, "::1", 9), Succeeds(0));
  FACT(own_ip(six) == "::1", Holds());
}

}  // namespace
}  // namespace conformance

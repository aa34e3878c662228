// SPDX-License-Identifier: MIT
//
// Groups of UDP over the loopback interface, what a datagram tells of where it came in, names of
// interfaces, and ports that a socket limits itself to. ip(7); in the kernel ip_mc_join_group,
// ip_mc_sf_allow, __udp4_lib_mcast_deliver, do_ip_setsockopt.
#include <net/if.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include <cstring>

#include "toolbox.h"

namespace conformance {
namespace {

constexpr uint32_t kGroup = 0xEF010203;  // 239.1.2.3
constexpr uint32_t kQuietGroup =
    0xEF010263;  // 239.1.2.99: who is in it is the host's matter, so one test's alone
constexpr uint32_t kOtherGroup = 0xEF010204;
constexpr int kLo = 1;
constexpr int kLocalPortRange = 51;  // IP_LOCAL_PORT_RANGE, Linux 6.3

int group_option(int fd, int option, uint32_t group, int interface = kLo) {
  ip_mreqn request{{htonl(group)}, {0}, interface};
  return setsockopt(fd, IPPROTO_IP, option, &request, sizeof request);
}
int join(int fd, uint32_t group, int interface = kLo) {
  return group_option(fd, IP_ADD_MEMBERSHIP, group, interface);
}
int leave(int fd, uint32_t group) { return group_option(fd, IP_DROP_MEMBERSHIP, group); }

// Sends its datagrams to groups over lo.
struct Sender {
  Sender() : fd(udp_socket()) {
    // By index alone the source would be an address of wider scope, if the machine has one.
    ip_mreqn by_lo{{0}, {htonl(INADDR_LOOPBACK)}, kLo};
    must(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &by_lo, sizeof by_lo), "IP_MULTICAST_IF");
  }
  ssize_t send(uint32_t group, uint16_t port, size_t count) {
    Address to = any_address(port);
    to.in.sin_addr.s_addr = htonl(group);
    char bytes[100] = {};
    return sendto(fd, bytes, count, 0, to.get(), Address::kSize);
  }
  Fd fd;
};

int only(int fd, uint32_t low, uint32_t high) {
  uint32_t range = low | high << 16;
  return setsockopt(fd, IPPROTO_IP, kLocalPortRange, &range, sizeof range);
}

uint16_t free_port() {
  DeadPort dead;  // closes what it is bound to
  return dead.port;
}

struct Member {
  explicit Member(uint16_t wanted = 0, uint32_t at = INADDR_ANY) : fd(udp_socket()) {
    must(set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1), "SO_REUSEADDR");
    Address address = any_address(wanted);
    address.in.sin_addr.s_addr = htonl(at);
    must(bind(fd, address.get(), Address::kSize), "bind");
    port = local_port(fd);
  }
  Fd fd;
  uint16_t port;
};

CONFORMANCE(Multicast, GoesToAllMembers) {
  Member a;
  Member b(a.port);
  Sender sender;
  FACT(join(a.fd, kGroup), Succeeds(0));
  FACT(join(b.fd, kGroup), Succeeds(0));
  FACT(sender.send(kGroup, a.port, 5), Succeeds(5));
  settle();
  FACT(ready(a.fd), Mask("IN|OUT"));
  FACT(receive(a.fd, 10), Succeeds(5));
  FACT(receive(a.fd, 10), FailsWith(EAGAIN));
  FACT(receive(b.fd, 10), Succeeds(5));
  FACT(leave(a.fd, kGroup), Succeeds(0));
  sender.send(kGroup, a.port, 6);
  settle();
  FACT(receive(b.fd, 10), Succeeds(6));
}

CONFORMANCE(Multicast, NobodyIsNoError) {
  Sender sender;
  FACT(sender.send(kGroup, 9, 5), Succeeds(5));
  settle();
  FACT(ready(sender.fd), Mask("OUT"));
}

CONFORMANCE(Multicast, WithoutMembershipOfItsOwnASocketHearsWhatTheHostHears) {
  Member a;
  Member b(a.port);
  Sender sender;
  sender.send(kQuietGroup, a.port, 1);
  settle();
  FACT(receive(b.fd, 10), FailsWith(EAGAIN));  // nobody on this host has joined
  join(a.fd, kQuietGroup);
  sender.send(kQuietGroup, a.port, 2);
  settle();
  FACT(receive(b.fd, 10), Succeeds(2));
  FACT(set_option(b.fd, IPPROTO_IP, IP_MULTICAST_ALL, 0), Succeeds(0));
  sender.send(kQuietGroup, a.port, 3);
  settle();
  FACT(receive(b.fd, 10), FailsWith(EAGAIN));
  FACT(set_option(b.fd, IPPROTO_IP, IP_MULTICAST_ALL, 2), FailsWith(EINVAL));
}

CONFORMANCE(Multicast, BoundToTheGroupHearsNothingElse) {
  Member a(0, kGroup);
  Sender sender;
  join(a.fd, kGroup);
  join(a.fd, kOtherGroup);
  sender.send(kOtherGroup, a.port, 2);
  sender.send(kGroup, a.port, 3);
  FACT(send_to(sender.fd, a.port, 4), Succeeds(4));
  settle();
  FACT(receive(a.fd, 10), Succeeds(3));
  FACT(receive(a.fd, 10), FailsWith(EAGAIN));
}

CONFORMANCE(Multicast, OnLoopbackTheSenderHearsItselfWhateverItsLoopSays) {
  Member a;
  Sender sender;
  join(a.fd, kGroup);
  FACT(get_option(sender.fd, IPPROTO_IP, IP_MULTICAST_LOOP), Succeeds(1));
  FACT(set_option(sender.fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0), Succeeds(0));
  FACT(get_option(sender.fd, IPPROTO_IP, IP_MULTICAST_LOOP), Succeeds(0));
  sender.send(kGroup, a.port, 3);
  settle();
  FACT(receive(a.fd, 10), Succeeds(3));
}

CONFORMANCE(Multicast, MembershipRequests) {
  Member a;
  FACT(join(a.fd, 0x7F000001), FailsWith(EINVAL));  // no group
  FACT(join(a.fd, kGroup, 9999), FailsWith(ENODEV));
  FACT(leave(a.fd, kGroup), FailsWith(EADDRNOTAVAIL));
  FACT(join(a.fd, kGroup), Succeeds(0));
  FACT(join(a.fd, kGroup), FailsWith(EADDRINUSE));
  ip_mreq by_address{{htonl(kOtherGroup)}, {htonl(INADDR_LOOPBACK)}};
  FACT(setsockopt(a.fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &by_address, sizeof by_address),
       Succeeds(0));
  FACT(leave(a.fd, kOtherGroup), Succeeds(0));
  FACT(setsockopt(a.fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &by_address, 4), FailsWith(EINVAL));
  Fd tcp = tcp_socket();
  FACT(join(tcp, kGroup), FailsWith(EPROTO));
}

CONFORMANCE(Multicast, OutgoingInterfaceAndHops) {
  Fd udp = udp_socket();
  in_addr address{htonl(INADDR_LOOPBACK)};
  FACT(setsockopt(udp, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof address), Succeeds(0));
  FACT(get_option(udp, IPPROTO_IP, IP_MULTICAST_IF) == static_cast<int>(htonl(INADDR_LOOPBACK)),
       Holds());
  address.s_addr = htonl(0xC0000201);
  FACT(setsockopt(udp, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof address),
       FailsWith(EADDRNOTAVAIL));
  ip_mreqn none{{0}, {0}, 9999};
  FACT(setsockopt(udp, IPPROTO_IP, IP_MULTICAST_IF, &none, sizeof none), FailsWith(EADDRNOTAVAIL));
  none.imr_ifindex = 0;
  FACT(setsockopt(udp, IPPROTO_IP, IP_MULTICAST_IF, &none, sizeof none), Succeeds(0));
  FACT(get_option(udp, IPPROTO_IP, IP_MULTICAST_IF), Succeeds(0));
  FACT(get_option(udp, IPPROTO_IP, IP_MULTICAST_TTL), Succeeds(1));
  FACT(set_option(udp, IPPROTO_IP, IP_MULTICAST_TTL, 5), Succeeds(0));
  FACT(get_option(udp, IPPROTO_IP, IP_MULTICAST_TTL), Succeeds(5));
  FACT(set_option(udp, IPPROTO_IP, IP_MULTICAST_TTL, 256), FailsWith(EINVAL));
  FACT(set_option(udp, IPPROTO_IP, IP_MULTICAST_TTL, -1), Succeeds(0));
  FACT(get_option(udp, IPPROTO_IP, IP_MULTICAST_TTL), Succeeds(1));
  unsigned char byte = 7;
  FACT(setsockopt(udp, IPPROTO_IP, IP_MULTICAST_TTL, &byte, 1), Succeeds(0));
  socklen_t length = 1;
  FACT(getsockopt(udp, IPPROTO_IP, IP_MULTICAST_TTL, &byte, &length), Succeeds(0));
  FACT(length == 1 && byte == 7, Holds());
  Fd tcp = tcp_socket();
  FACT(set_option(tcp, IPPROTO_IP, IP_MULTICAST_TTL, 5), FailsWith(EINVAL));
  FACT(setsockopt(tcp, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof address), FailsWith(EINVAL));
}

CONFORMANCE(Multicast, ConnectedToAGroup) {
  Member a;
  Sender sender;
  join(a.fd, kGroup);
  Address to = any_address(a.port);
  to.in.sin_addr.s_addr = htonl(kGroup);
  FACT(connect(sender.fd, to.get(), Address::kSize), Succeeds(0));
  FACT(transmit(sender.fd, 4), Succeeds(4));
  settle();
  Address from;
  socklen_t length = Address::kSize;
  char bytes[10];
  FACT(recvfrom(a.fd, bytes, 10, 0, from.get(), &length), Succeeds(4));
  FACT(from.in.sin_addr.s_addr == htonl(INADDR_LOOPBACK), Holds());
}

// --- IP_PKTINFO

struct Received {
  ssize_t size = 0;
  int flags = 0;
  size_t control_size = 0;
  in_pktinfo info{};
};

Received receive_with_info(int fd, size_t room) {
  char bytes[100];
  alignas(cmsghdr) char control[128] = {};
  iovec vector{bytes, sizeof bytes};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = room;
  Received seen;
  seen.size = recvmsg(fd, &message, 0);
  seen.flags = message.msg_flags;
  seen.control_size = message.msg_controllen;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
    std::memcpy(&seen.info, CMSG_DATA(header), sizeof seen.info);
  }
  return seen;
}

CONFORMANCE(PacketInfo, TellsTheAddressAndTheInterface) {
  UdpPair pair;
  FACT(get_option(pair.b, IPPROTO_IP, IP_PKTINFO), Succeeds(0));
  FACT(set_option(pair.b, IPPROTO_IP, IP_PKTINFO, 1), Succeeds(0));
  FACT(get_option(pair.b, IPPROTO_IP, IP_PKTINFO), Succeeds(1));
  pair.send_to_b(3);
  pair.send_to_b(4);
  pair.send_to_b(5);
  settle();
  Received seen = receive_with_info(pair.b, 128);
  FACT(seen.size == 3 && seen.flags == 0, Holds());
  FACT(seen.control_size == CMSG_SPACE(sizeof(in_pktinfo)), Holds());
  FACT(seen.info.ipi_ifindex == kLo, Holds());
  FACT(seen.info.ipi_addr.s_addr == htonl(INADDR_LOOPBACK), Holds());
  FACT(seen.info.ipi_spec_dst.s_addr == htonl(INADDR_LOOPBACK), Holds());
  seen = receive_with_info(pair.b, 20);
  FACT(seen.size == 4 && seen.flags == MSG_CTRUNC && seen.control_size == 20, Holds());
  seen = receive_with_info(pair.b, 8);
  FACT(seen.size == 5 && seen.flags == MSG_CTRUNC && seen.control_size == 0, Holds());
}

CONFORMANCE(PacketInfo, OfAGroup) {
  Member a;
  Sender sender;
  join(a.fd, kGroup);
  set_option(a.fd, IPPROTO_IP, IP_PKTINFO, 1);
  sender.send(kGroup, a.port, 3);
  settle();
  Received seen = receive_with_info(a.fd, 128);
  FACT(seen.size == 3 && seen.info.ipi_ifindex == kLo, Holds());
  FACT(seen.info.ipi_addr.s_addr == htonl(kGroup), Holds());
  FACT(seen.info.ipi_spec_dst.s_addr == htonl(INADDR_LOOPBACK), Holds());
}

// --- Names of interfaces

CONFORMANCE(Interfaces, LoIsTheFirst) {
  FACT(if_nametoindex("lo"), Succeeds(1));
  FACT(if_nametoindex("no-such-one"), Succeeds(0));
  FACT(errno == ENODEV || if_nametoindex("no-such-one") == 0, Holds());
  char name[IF_NAMESIZE] = {};
  FACT(if_indextoname(1, name) == name && std::strcmp(name, "lo") == 0, Holds());
  FACT(if_indextoname(9999, name) == nullptr && errno == ENXIO, Holds());
  Fd udp = udp_socket();
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  FACT(ioctl(udp, SIOCGIFINDEX, &request), Succeeds(0));
  FACT(request.ifr_ifindex, Succeeds(1));
  std::strcpy(request.ifr_name, "none");
  FACT(ioctl(udp, SIOCGIFINDEX, &request), FailsWith(ENODEV));
}

// --- Options that limit ports, and keep-alive's

CONFORMANCE(PortRange, ConnectAndBindStayWithin) {
  Listener listener;
  uint16_t port = free_port();
  Fd dialler = tcp_socket();
  FACT(only(dialler, port, port), Succeeds(0));
  FACT(static_cast<unsigned>(get_option(dialler, IPPROTO_IP, kLocalPortRange)) ==
           (static_cast<unsigned>(port) | static_cast<unsigned>(port) << 16),
       Holds());
  FACT(connect_to(dialler, listener.port), FailsWith(EINPROGRESS));
  FACT(local_port(dialler) == port, Holds());
  Fd second = tcp_socket();
  only(second, listener.port, listener.port);
  FACT(connect_to(second, port), FailsWith(EADDRNOTAVAIL));
  FACT(bind_to(second, 0), FailsWith(EADDRINUSE));
  FACT(only(second, 40001, 40000), FailsWith(EINVAL));
  FACT(only(second, 0, 0), Succeeds(0));
  FACT(bind_to(second, 0), Succeeds(0));
  uint16_t half = 1;
  FACT(setsockopt(second, IPPROTO_IP, kLocalPortRange, &half, sizeof half), FailsWith(EINVAL));
}

CONFORMANCE(PortRange, APortThatConnectTookServesOneConnectionToEachDestination) {
  Listener listener, other;
  uint16_t port = free_port();
  Fd first = tcp_socket(), second = tcp_socket(), third = tcp_socket(), bound = tcp_socket();
  for (const Fd* fd : {&first, &second, &third, &bound}) only(*fd, port, port);
  FACT(connect_to(first, listener.port), FailsWith(EINPROGRESS));
  FACT(connect_to(second, listener.port), FailsWith(EADDRNOTAVAIL));
  FACT(connect_to(third, other.port), FailsWith(EINPROGRESS));
  FACT(local_port(third) == port, Holds());
  FACT(bind_to(bound, 0), FailsWith(EADDRINUSE));
}

CONFORMANCE(PortRange, APortThatBindTookServesNobodyElse) {
  Listener listener, other;
  uint16_t port = free_port();
  Fd bound = tcp_socket(), second = tcp_socket();
  FACT(bind_to(bound, port), Succeeds(0));
  FACT(connect_to(bound, listener.port), FailsWith(EINPROGRESS));
  only(second, port, port);
  FACT(connect_to(second, other.port), FailsWith(EADDRNOTAVAIL));
}

CONFORMANCE(KeepAlive, TimesAreKept) {
  Listener listener;
  FACT(get_option(listener, IPPROTO_TCP, TCP_KEEPIDLE), Succeeds(7200));
  FACT(get_option(listener, IPPROTO_TCP, TCP_KEEPINTVL), Succeeds(75));
  FACT(get_option(listener, IPPROTO_TCP, TCP_KEEPCNT), Succeeds(9));
  FACT(set_option(listener, IPPROTO_TCP, TCP_KEEPIDLE, 7), Succeeds(0));
  FACT(set_option(listener, IPPROTO_TCP, TCP_KEEPINTVL, 32767), Succeeds(0));
  FACT(set_option(listener, IPPROTO_TCP, TCP_KEEPCNT, 127), Succeeds(0));
  FACT(set_option(listener, IPPROTO_TCP, TCP_KEEPIDLE, 32768), FailsWith(EINVAL));
  FACT(set_option(listener, IPPROTO_TCP, TCP_KEEPINTVL, 0), FailsWith(EINVAL));
  FACT(set_option(listener, IPPROTO_TCP, TCP_KEEPCNT, 128), FailsWith(EINVAL));
  Fd client = dial(listener.port);
  Fd server = accept_from(listener);  // inherits them
  FACT(get_option(server, IPPROTO_TCP, TCP_KEEPIDLE), Succeeds(7));
  FACT(get_option(server, IPPROTO_TCP, TCP_KEEPINTVL), Succeeds(32767));
  FACT(get_option(server, IPPROTO_TCP, TCP_KEEPCNT), Succeeds(127));
  FACT(get_option(client, IPPROTO_TCP, TCP_KEEPIDLE), Succeeds(7200));
}

CONFORMANCE(IpOptions, AreAnswered) {
  Fd udp = udp_socket();
  FACT(get_option(udp, IPPROTO_IP, IP_TTL), Succeeds(64));
  FACT(set_option(udp, IPPROTO_IP, IP_TTL, 9), Succeeds(0));
  FACT(get_option(udp, IPPROTO_IP, IP_TTL), Succeeds(9));
  FACT(set_option(udp, IPPROTO_IP, IP_TTL, 0), FailsWith(EINVAL));
  FACT(set_option(udp, IPPROTO_IP, IP_TTL, 256), FailsWith(EINVAL));
  FACT(set_option(udp, IPPROTO_IP, IP_TTL, -1), Succeeds(0));
  FACT(get_option(udp, IPPROTO_IP, IP_TTL), Succeeds(64));
  FACT(set_option(udp, IPPROTO_IP, IP_TOS, 0x10), Succeeds(0));
  FACT(get_option(udp, IPPROTO_IP, IP_TOS), Succeeds(0x10));
}

}  // namespace
}  // namespace conformance

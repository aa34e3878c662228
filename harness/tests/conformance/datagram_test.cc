// SPDX-License-Identifier: MIT
//
// Sockets of messages: UDP, and the unix kinds other than a pair of streams.
// udp(7), unix(7), recv(2); in the kernel udp_recvmsg, udp_poll, unix_dgram_poll, unix_poll.
#include <sys/un.h>

#include "toolbox.h"

namespace conformance {
namespace {

struct UdpPair {
  UdpPair() : a(udp_socket()), b(udp_socket()) {
    must(bind_to(a, 0), "bind");
    must(bind_to(b, 0), "bind");
  }
  ssize_t send_to_b(size_t count) {
    char bytes[128] = {};
    Address to = loopback(local_port(b));
    return sendto(a, bytes, count, 0, to.get(), Address::kSize);
  }
  Fd a, b;
};

CONFORMANCE(Udp, FreshSocket) {
  Fd udp = udp_socket();
  FACT(ready(udp), Mask("OUT"));
  FACT(accept(udp, nullptr, nullptr), FailsWith(EOPNOTSUPP));
  FACT(listen(udp, 1), FailsWith(EOPNOTSUPP));
  FACT(shutdown(udp, SHUT_RDWR), FailsWith(ENOTCONN));
  FACT(receive(udp, 1), FailsWith(EAGAIN));
  FACT(transmit(udp, 1), FailsWith(EDESTADDRREQ));
}

CONFORMANCE(Udp, MessagesKeepTheirEnds) {
  UdpPair pair;
  FACT(pair.send_to_b(10), Succeeds(10));
  FACT(pair.send_to_b(0), Succeeds(0));
  FACT(pair.send_to_b(20), Succeeds(20));
  settle();
  FACT(ready(pair.b), Mask("IN|OUT"));
  FACT(bytes_queued(pair.b), Succeeds(10));
  FACT(receive(pair.b, 4), Succeeds(4));
  FACT(receive(pair.b, 100), Succeeds(0));
  FACT(receive(pair.b, 4, MSG_TRUNC), Succeeds(20));
  FACT(receive(pair.b, 100), FailsWith(EAGAIN));
}

CONFORMANCE(Udp, ConnectedHearsOnlyItsPeer) {
  UdpPair pair;
  Fd stranger = udp_socket();
  FACT(connect_to(pair.b, local_port(pair.a)), Succeeds(0));
  FACT(connect_to(stranger, local_port(pair.b)), Succeeds(0));
  FACT(transmit(stranger, 3), Succeeds(3));
  settle();
  FACT(receive(pair.b, 10), FailsWith(EAGAIN));
  FACT(pair.send_to_b(5), Succeeds(5));
  settle();
  FACT(receive(pair.b, 10), Succeeds(5));
}

CONFORMANCE(Udp, NobodyThere) {
  // The ICMP error is pending on the connected socket, and taken by the next call.
  DeadPort dead;
  Fd udp = udp_socket();
  FACT(connect_to(udp, dead.port), Succeeds(0));
  FACT(transmit(udp, 1), Succeeds(1));
  settle();
  FACT(ready(udp), Mask("OUT|ERR"));
  FACT(transmit(udp, 1), FailsWith(ECONNREFUSED));
  FACT(ready(udp), Mask("OUT"));
}

CONFORMANCE(UnixSockets, FreshMasks) {
  Fd stream(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  Fd datagram(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  Fd packets(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0));
  FACT(ready(stream), Mask("OUT|HUP"));
  FACT(ready(datagram), Mask("OUT"));
  FACT(ready(packets), Mask("OUT|HUP"));
}

CONFORMANCE(UnixSockets, Datagrams) {
  UnixPair pair(SOCK_DGRAM);
  FACT(ready(pair.a), Mask("OUT"));
  FACT(transmit(pair.a, 10), Succeeds(10));
  FACT(transmit(pair.a, 20), Succeeds(20));
  FACT(receive(pair.b, 4), Succeeds(4));
  FACT(receive(pair.b, 100), Succeeds(20));
  FACT(receive(pair.b, 100), FailsWith(EAGAIN));
}

CONFORMANCE(UnixSockets, Records) {
  UnixPair pair(SOCK_SEQPACKET);
  FACT(transmit(pair.a, 10), Succeeds(10));
  FACT(transmit(pair.a, 20), Succeeds(20));
  FACT(receive(pair.b, 4), Succeeds(4));
  FACT(receive(pair.b, 100), Succeeds(20));
  pair.a.close();
  FACT(receive(pair.b, 100), Succeeds(0));
}

CONFORMANCE(UnixSockets, NamedStream) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const char text[] = "\0pollux-conformance";  // abstract: unix(7)
  __builtin_memcpy(name.sun_path, text, sizeof text);
  auto* address = reinterpret_cast<sockaddr*>(&name);
  Fd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  Fd client(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  FACT(connect(client, address, sizeof name), FailsWith(ECONNREFUSED));
  FACT(bind(listener, address, sizeof name), Succeeds(0));
  FACT(listen(listener, 1), Succeeds(0));
  FACT(connect(client, address, sizeof name), Succeeds(0));
  FACT(ready(listener), Mask("IN"));
  FACT(transmit(client, 4), Succeeds(4));
  Fd server = accept_from(listener);
  FACT(receive(server, 10), Succeeds(4));
}

}  // namespace
}  // namespace conformance

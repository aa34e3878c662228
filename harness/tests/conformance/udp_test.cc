// SPDX-License-Identifier: MIT
//
// Datagrams: what is sent, what arrives, what poll and epoll say about it.
// udp(7), recv(2), select(2); in the kernel udp_sendmsg, udp_recvmsg, datagram_poll,
// __udp_enqueue_schedule_skb, __udp4_lib_err.
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <cstring>
#include <thread>
#include <vector>

#include "toolbox.h"

namespace conformance {
namespace {

CONFORMANCE(Udp, FreshSocket) {
  Fd udp = udp_socket();
  FACT(ready(udp), Mask("OUT"));
  FACT(accept(udp, nullptr, nullptr), FailsWith(EOPNOTSUPP));
  FACT(listen(udp, 1), FailsWith(EOPNOTSUPP));
  FACT(shutdown(udp, SHUT_RDWR), FailsWith(ENOTCONN));
  FACT(receive(udp, 1), FailsWith(EAGAIN));
  FACT(transmit(udp, 1), FailsWith(EDESTADDRREQ));
}

CONFORMANCE(Udp, Creation) {
  FACT(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), FailsWith(EPROTONOSUPPORT));
  FACT(socket(AF_INET, SOCK_SEQPACKET, 0), FailsWith(ESOCKTNOSUPPORT));
  Fd udp(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP));
  FACT(fcntl(udp, F_GETFD), Succeeds(FD_CLOEXEC));
  FACT(fcntl(udp, F_GETFL), Succeeds(O_RDWR));
  FACT(get_option(udp, SOL_SOCKET, SO_TYPE), Succeeds(SOCK_DGRAM));
  FACT(get_option(udp, SOL_SOCKET, SO_DOMAIN), Succeeds(AF_INET));
  FACT(get_option(udp, SOL_SOCKET, SO_PROTOCOL), Succeeds(IPPROTO_UDP));
  FACT(get_option(udp, SOL_SOCKET, SO_ACCEPTCONN), Succeeds(0));
  FACT(set_option(udp, IPPROTO_TCP, 1, 1), FailsWith(ENOPROTOOPT));
  FACT(lseek(udp, 0, SEEK_SET), FailsWith(ESPIPE));
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

CONFORMANCE(Udp, PeekLeavesIt) {
  UdpPair pair;
  pair.send_to_b(10);
  settle();
  FACT(receive(pair.b, 4, MSG_PEEK), Succeeds(4));
  FACT(receive(pair.b, 4, MSG_PEEK | MSG_TRUNC), Succeeds(10));
  FACT(receive(pair.b, 100, MSG_WAITALL), Succeeds(10));
  FACT(ready(pair.b), Mask("OUT"));
  FACT(bytes_queued(pair.b), Succeeds(0));
}

CONFORMANCE(Udp, NothingIsAMessageToo) {
  UdpPair pair(true);
  char byte = 0;
  iovec empty{&byte, 0};
  FACT(write(pair.a, &byte, 0), Succeeds(0));
  settle();
  FACT(ready(pair.b), Mask("IN|OUT"));
  FACT(read(pair.b, &byte, 0), Succeeds(0));  // sock_read_iter: asks for nothing, takes nothing
  FACT(ready(pair.b), Mask("IN|OUT"));
  FACT(receive(pair.b, 0), Succeeds(0));
  FACT(ready(pair.b), Mask("OUT"));
  FACT(writev(pair.a, &empty, 1), Succeeds(0));  // this one sends nothing at all
  settle();
  FACT(ready(pair.b), Mask("OUT"));
}

CONFORMANCE(Udp, ReadAndWriteTakeWholeMessages) {
  UdpPair pair(true);
  char bytes[8] = "abcdefg";
  iovec pieces[] = {{bytes, 3}, {bytes + 3, 4}};
  FACT(writev(pair.a, pieces, 2), Succeeds(7));
  FACT(write(pair.a, "hello", 5), Succeeds(5));
  settle();
  char first[4] = {}, second[4] = {};
  iovec targets[] = {{first, 2}, {second, 4}};
  FACT(readv(pair.b, targets, 2), Succeeds(6));
  FACT(memcmp(first, "ab", 2) == 0 && memcmp(second, "cdef", 4) == 0, Holds());
  FACT(read(pair.b, bytes, 8), Succeeds(5));
  FACT(read(pair.b, bytes, 8), FailsWith(EAGAIN));
  FACT(pread(pair.b, bytes, 8, 0), FailsWith(ESPIPE));
}

CONFORMANCE(Udp, SizesThatFit) {
  UdpPair pair;
  FACT(pair.send_to_b(65507), Succeeds(65507));
  FACT(pair.send_to_b(65508), FailsWith(EMSGSIZE));
  FACT(pair.send_to_b(70000), FailsWith(EMSGSIZE));
  settle();
  FACT(receive(pair.b, 70000), Succeeds(65507));
}

CONFORMANCE(Udp, BadBufferCostsTheMessage) {
  UdpPair pair;
  pair.send_to_b(6);
  settle();
  auto* nowhere = reinterpret_cast<char*>(8);
  FACT(recv(pair.b, nowhere, 4, 0), FailsWith(EFAULT));
  FACT(receive(pair.b, 4), FailsWith(EAGAIN));
  Address to = loopback(local_port(pair.b));
  FACT(sendto(pair.a, nowhere, 4, 0, to.get(), Address::kSize), FailsWith(EFAULT));
}

CONFORMANCE(Udp, RoomIsBounded) {
  // What does not fit is dropped, and the sender does not learn of it. The first always fits.
  UdpPair pair(true);
  FACT(set_option(pair.b, SOL_SOCKET, SO_RCVBUF, 1), Succeeds(0));
  FACT(get_option(pair.b, SOL_SOCKET, SO_RCVBUF), Succeeds(2304));
  FACT(transmit(pair.a, 8000), Succeeds(8000));
  FACT(transmit(pair.a, 7000), Succeeds(7000));
  FACT(transmit(pair.a, 6000), Succeeds(6000));
  settle();
  FACT(receive(pair.b, 9000), Succeeds(8000));
  FACT(receive(pair.b, 9000), FailsWith(EAGAIN));
  FACT(ready(pair.a), Mask("OUT"));
  FACT(transmit(pair.a, 1), Succeeds(1));
  settle();
  FACT(receive(pair.b, 9000), Succeeds(1));
}

CONFORMANCE(Udp, OverflowKeepsTheOldest) {
  UdpPair pair(true);
  for (uint32_t i = 0; i < 2000; i++) must(send(pair.a, &i, sizeof i, 0), "send");
  settle();
  uint32_t number = 0, expected = 0;
  while (recv(pair.b, &number, sizeof number, 0) == sizeof number && number == expected) expected++;
  FACT(expected > 10 && expected < 2000, Holds());
  FACT(receive(pair.b, 10), FailsWith(EAGAIN));
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

CONFORMANCE(Udp, StrangerIsRefused) {
  // Nobody on the port is for the stranger, so an error comes back.
  UdpPair pair;
  Fd stranger = udp_socket();
  connect_to(pair.b, local_port(pair.a));
  connect_to(stranger, local_port(pair.b));
  transmit(stranger, 3);
  settle();
  FACT(ready(stranger), Mask("OUT|ERR"));
  FACT(socket_error(stranger), Error(ECONNREFUSED));
}

CONFORMANCE(Udp, WhatWasQueuedBeforeConnectStays) {
  UdpPair pair;
  pair.send_to_b(4);
  settle();
  Fd other = udp_socket();
  bind_to(other, 0);
  FACT(connect_to(pair.b, local_port(other)), Succeeds(0));
  FACT(receive(pair.b, 10), Succeeds(4));
}

CONFORMANCE(Udp, ConnectedMaySendElsewhere) {
  UdpPair pair;
  Fd other = udp_socket();
  bind_to(other, 0);
  connect_to(pair.a, local_port(other));
  FACT(pair.send_to_b(3), Succeeds(3));
  FACT(transmit(pair.a, 4), Succeeds(4));
  settle();
  FACT(receive(pair.b, 10), Succeeds(3));
  FACT(receive(other, 10), Succeeds(4));
}

// --- Errors that come back.

struct NobodyThere {
  NobodyThere() : udp(udp_socket()) {
    must(bind_to(udp, 0), "bind");
    must(connect_to(udp, port), "connect");
  }
  uint16_t port = free_udp_port();
  Fd udp;
};

CONFORMANCE(Udp, NobodyThere) {
  // The ICMP error is pending on the connected socket, and taken by the next call.
  NobodyThere to;
  FACT(transmit(to.udp, 1), Succeeds(1));
  settle();
  FACT(ready(to.udp), Mask("OUT|ERR"));
  FACT(transmit(to.udp, 1), FailsWith(ECONNREFUSED));
  FACT(ready(to.udp), Mask("OUT"));
  settle();
  FACT(ready(to.udp), Mask("OUT"));  // the call that failed sent nothing
}

CONFORMANCE(Udp, RefusalIsTakenByReceive) {
  NobodyThere to;
  transmit(to.udp, 1);
  settle();
  FACT(receive(to.udp, 1), FailsWith(ECONNREFUSED));
  FACT(receive(to.udp, 1), FailsWith(EAGAIN));
  FACT(socket_error(to.udp), Error(0));
}

CONFORMANCE(Udp, RefusalIsTakenByOption) {
  NobodyThere to;
  transmit(to.udp, 1);
  settle();
  FACT(socket_error(to.udp), Error(ECONNREFUSED));
  FACT(socket_error(to.udp), Error(0));
  FACT(ready(to.udp), Mask("OUT"));
}

CONFORMANCE(Udp, RefusalGoesBeforeTheQueue) {
  UdpPair pair;
  pair.send_to_b(5);
  settle();
  uint16_t dead = free_udp_port();
  connect_to(pair.b, dead);
  transmit(pair.b, 1);
  settle();
  FACT(ready(pair.b), Mask("IN|OUT|ERR"));
  FACT(receive(pair.b, 10), FailsWith(ECONNREFUSED));
  FACT(receive(pair.b, 10), Succeeds(5));
}

CONFORMANCE(Udp, UnconnectedHearsOfNoRefusal) {
  uint16_t dead = free_udp_port();
  Fd udp = udp_socket();
  bind_to(udp, 0);
  FACT(send_to(udp, dead, 1), Succeeds(1));
  settle();
  FACT(ready(udp), Mask("OUT"));
  FACT(send_to(udp, dead, 1), Succeeds(1));
  FACT(socket_error(udp), Error(0));
}

CONFORMANCE(Udp, RefusalSurvivesConnect) {
  NobodyThere to;
  transmit(to.udp, 1);
  settle();
  FACT(connect_to(to.udp, to.port), Succeeds(0));
  FACT(transmit(to.udp, 1), FailsWith(ECONNREFUSED));
}

CONFORMANCE(Udp, RefusalOfAnotherAddressIsNotOurs) {
  UdpPair pair(true);
  uint16_t dead = free_udp_port();
  FACT(send_to(pair.a, dead, 1), Succeeds(1));
  settle();
  FACT(ready(pair.a), Mask("OUT"));
}

// --- Ends.

CONFORMANCE(Udp, ShutdownOfConnected) {
  UdpPair pair(true);
  Address back = loopback(local_port(pair.a));
  connect(pair.b, back.get(), Address::kSize);
  FACT(shutdown(pair.a, 7), FailsWith(EINVAL));
  FACT(shutdown(pair.a, SHUT_RD), Succeeds(0));
  FACT(ready(pair.a), Mask("IN|OUT|RDHUP"));
  FACT(receive(pair.a, 10), FailsWith(EAGAIN));
  FACT(transmit(pair.b, 3), Succeeds(3));
  settle();
  FACT(receive(pair.a, 10), Succeeds(3));
  FACT(shutdown(pair.a, SHUT_WR), Succeeds(0));
  FACT(ready(pair.a), Mask("IN|OUT|RDHUP|HUP"));
  FACT(transmit(pair.a, 1), FailsWith(EPIPE));
  FACT(ready(pair.b), Mask("OUT"));  // the peer does not learn of it
}

CONFORMANCE(Udp, ShutdownOfUnconnectedCountsAllTheSame) {
  Fd udp = udp_socket();
  FACT(shutdown(udp, SHUT_RDWR), FailsWith(ENOTCONN));
  FACT(ready(udp), Mask("IN|OUT|RDHUP|HUP"));
}

CONFORMANCE(Udp, ShutdownEndsABlockedReceive) {
  UdpPair pair(true);
  fcntl(pair.a, F_SETFL, 0);
  ssize_t seen = -7;
  std::thread reader([&] { seen = receive(pair.a, 10); });
  settle();
  shutdown(pair.a, SHUT_RD);
  reader.join();
  FACT(seen, Succeeds(0));
  FACT(receive(pair.a, 10), Succeeds(0));  // nor does it wait any more
}

CONFORMANCE(Udp, BlockedReceiveGetsTheMessage) {
  UdpPair pair;
  fcntl(pair.b, F_SETFL, 0);
  ssize_t seen = -7;
  std::thread reader([&] { seen = receive(pair.b, 10); });
  settle();
  pair.send_to_b(4);
  reader.join();
  FACT(seen, Succeeds(4));
}

CONFORMANCE(Udp, BlockedReceiveGetsTheRefusal) {
  NobodyThere to;
  fcntl(to.udp, F_SETFL, 0);
  ssize_t seen = 0;
  int error = 0;
  std::thread reader([&] {
    seen = receive(to.udp, 10);
    error = errno;
  });
  settle();
  transmit(to.udp, 1);
  reader.join();
  FACT(seen == -1 && error == ECONNREFUSED, Holds());
}

CONFORMANCE(Udp, ReceiveTimesOut) {
  UdpPair pair;
  fcntl(pair.b, F_SETFL, 0);
  timeval wait{0, 5000};
  FACT(setsockopt(pair.b, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), Succeeds(0));
  FACT(receive(pair.b, 10), FailsWith(EAGAIN));
}

// --- Edges.

CONFORMANCE(Udp, EachArrivalIsAnEdge) {
  UdpPair pair;
  Epoll epoll;
  epoll.add(pair.b, EPOLLIN | EPOLLET);
  pair.send_to_b(1);
  settle();
  FACT(epoll.wait(), Events("IN"));
  FACT(epoll.wait(), NoEvents());
  pair.send_to_b(1);
  settle();
  FACT(epoll.wait(), Events("IN"));
  receive(pair.b, 10);
  FACT(epoll.wait(), NoEvents());
  FACT(ready(pair.b), Mask("IN|OUT"));
}

CONFORMANCE(Udp, EachSendIsAWriteEdge) {
  // sock_wfree: the device gives the buffer back, and sock_def_write_space wakes who waits.
  UdpPair pair(true);
  Epoll epoll;
  epoll.add(pair.a, EPOLLOUT | EPOLLET);
  FACT(epoll.wait(), Events("OUT"));
  FACT(epoll.wait(), NoEvents());
  transmit(pair.a, 1);
  settle();
  FACT(epoll.wait(), Events("OUT"));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(Udp, RefusalIsAnEdge) {
  NobodyThere to;
  Epoll epoll;
  epoll.add(to.udp, EPOLLIN | EPOLLET);
  transmit(to.udp, 1);
  settle();
  FACT(epoll.wait(), Events("ERR"));
  FACT(epoll.wait(), NoEvents());
  FACT(receive(to.udp, 1), FailsWith(ECONNREFUSED));
}

CONFORMANCE(Udp, LevelEventsLastUntilDrained) {
  UdpPair pair;
  Epoll epoll;
  epoll.add(pair.b, EPOLLIN);
  pair.send_to_b(1);
  pair.send_to_b(2);
  settle();
  FACT(epoll.wait(), Events("IN"));
  receive(pair.b, 10);
  FACT(epoll.wait(), Events("IN"));
  receive(pair.b, 10);
  FACT(epoll.wait(), NoEvents());
}

}  // namespace
}  // namespace conformance

// SPDX-License-Identifier: MIT
//
// The end of a TCP connection: FIN, RST, half-close, in their orders.
// shutdown(2), close(2), socket(7) on SO_LINGER; in the kernel tcp_shutdown, __tcp_close,
// tcp_reset, tcp_poll, tcp_recvmsg_locked, tcp_rcv_state_process.
#include "toolbox.h"

namespace conformance {
namespace {

constexpr uint32_t kEdge = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

int peer_name(int fd) {
  Address address;
  socklen_t size = Address::kSize;
  return getpeername(fd, address.get(), &size);
}

int local_name(int fd) {
  Address address;
  socklen_t size = Address::kSize;
  return getsockname(fd, address.get(), &size);
}

// --- FIN.

CONFORMANCE(TcpClose, PeerShutsDownWriting) {
  TcpPair pair;
  FACT(shutdown(pair.client, SHUT_WR), Succeeds(0));
  settle();
  FACT(ready(pair.server), Mask("IN|OUT|RDHUP"));
  FACT(ready(pair.server, POLLIN | POLLOUT), Mask("IN|OUT"));
  FACT(receive(pair.server, 10), Succeeds(0));
  FACT(receive(pair.server, 10), Succeeds(0));
  FACT(ready(pair.server), Mask("IN|OUT|RDHUP"));
  FACT(socket_error(pair.server), Error(0));
}

CONFORMANCE(TcpClose, OwnShutdownOfWriting) {
  TcpPair pair;
  shutdown(pair.client, SHUT_WR);
  settle();
  FACT(ready(pair.client), Mask("OUT"));
  FACT(transmit(pair.client, 1), FailsWith(EPIPE));
  FACT(receive(pair.client, 1), FailsWith(EAGAIN));
  FACT(shutdown(pair.client, SHUT_WR), Succeeds(0));
  FACT(peer_name(pair.client), Succeeds(0));
}

CONFORMANCE(TcpClose, HalfClosedStillCarriesTheOtherWay) {
  TcpPair pair;
  shutdown(pair.client, SHUT_WR);
  settle();
  FACT(transmit(pair.server, 40), Succeeds(40));
  settle();
  FACT(ready(pair.client), Mask("IN|OUT"));
  FACT(receive(pair.client, 100), Succeeds(40));
  FACT(transmit(pair.server, 2), Succeeds(2));
  settle();
  FACT(receive(pair.client, 100), Succeeds(2));
}

CONFORMANCE(TcpClose, DataComesBeforeTheEnd) {
  TcpPair pair;
  transmit(pair.client, 25);
  pair.client.close();
  settle();
  FACT(ready(pair.server), Mask("IN|OUT|RDHUP"));
  FACT(bytes_queued(pair.server), Succeeds(25));
  FACT(receive(pair.server, 20), Succeeds(20));
  FACT(ready(pair.server), Mask("IN|OUT|RDHUP"));
  FACT(receive(pair.server, 20), Succeeds(5));
  FACT(receive(pair.server, 20), Succeeds(0));
}

CONFORMANCE(TcpClose, BothShutDownClientFirst) {
  TcpPair pair;
  shutdown(pair.client, SHUT_WR);
  settle();
  shutdown(pair.server, SHUT_WR);
  settle();
  FACT(ready(pair.client), Mask("IN|OUT|RDHUP|HUP"));
  FACT(ready(pair.server), Mask("IN|OUT|RDHUP|HUP"));
  FACT(receive(pair.client, 1), Succeeds(0));
  FACT(receive(pair.server, 1), Succeeds(0));
  FACT(transmit(pair.client, 1), FailsWith(EPIPE));
  FACT(transmit(pair.server, 1), FailsWith(EPIPE));
  FACT(socket_error(pair.server), Error(0));
}

CONFORMANCE(TcpClose, BothShutDownServerFirst) {
  TcpPair pair;
  shutdown(pair.server, SHUT_WR);
  settle();
  shutdown(pair.client, SHUT_WR);
  settle();
  FACT(ready(pair.client), Mask("IN|OUT|RDHUP|HUP"));
  FACT(ready(pair.server), Mask("IN|OUT|RDHUP|HUP"));
}

CONFORMANCE(TcpClose, BothShutDownAtOnce) {
  TcpPair pair;
  shutdown(pair.server, SHUT_WR);
  shutdown(pair.client, SHUT_WR);
  settle();
  FACT(ready(pair.client), Mask("IN|OUT|RDHUP|HUP"));
  FACT(ready(pair.server), Mask("IN|OUT|RDHUP|HUP"));
}

CONFORMANCE(TcpClose, NameAfterTheConnectionIsOver) {
  // The passive side is in TCP_CLOSE after LAST_ACK; the active one waits.
  TcpPair pair;
  shutdown(pair.client, SHUT_WR);
  settle();
  FACT(peer_name(pair.server), Succeeds(0));
  shutdown(pair.server, SHUT_WR);
  settle();
  FACT(peer_name(pair.server), FailsWith(ENOTCONN));
  FACT(local_name(pair.server), Succeeds(0));
  FACT(shutdown(pair.server, SHUT_WR), FailsWith(ENOTCONN));
}

CONFORMANCE(TcpClose, EndOfStreamInEpoll) {
  TcpPair pair;
  Epoll epoll;
  epoll.add(pair.server, kEdge);
  FACT(epoll.wait(), Events("OUT"));
  transmit(pair.client, 3);
  shutdown(pair.client, SHUT_WR);
  settle();
  FACT(epoll.wait(), Events("IN|OUT|RDHUP"));
  FACT(receive(pair.server, 10), Succeeds(3));
  FACT(epoll.wait(), NoEvents());
  FACT(receive(pair.server, 10), Succeeds(0));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(TcpClose, EachStepIsAnEdge) {
  TcpPair pair;
  Epoll epoll;
  epoll.add(pair.server, kEdge);
  epoll.wait();
  shutdown(pair.client, SHUT_WR);
  settle();
  FACT(epoll.wait(), Events("IN|OUT|RDHUP"));
  shutdown(pair.server, SHUT_WR);
  settle();
  FACT(epoll.wait(), Events("IN|OUT|RDHUP|HUP"));
  FACT(epoll.wait(), NoEvents());
}

// --- Own shutdown of reading: nothing is sent, and what comes later is still taken in.

CONFORMANCE(TcpClose, OwnShutdownOfReading) {
  TcpPair pair;
  FACT(shutdown(pair.client, SHUT_RD), Succeeds(0));
  FACT(ready(pair.client), Mask("IN|OUT|RDHUP"));
  FACT(receive(pair.client, 1), Succeeds(0));
  settle();
  FACT(ready(pair.server), Mask("OUT"));
  FACT(transmit(pair.server, 6), Succeeds(6));
  settle();
  FACT(receive(pair.client, 10), Succeeds(6));
  FACT(receive(pair.client, 10), Succeeds(0));
  FACT(transmit(pair.client, 1), Succeeds(1));
}

CONFORMANCE(TcpClose, OwnShutdownOfBoth) {
  TcpPair pair;
  FACT(shutdown(pair.server, SHUT_RDWR), Succeeds(0));
  settle();
  FACT(ready(pair.server), Mask("IN|OUT|RDHUP|HUP"));
  FACT(ready(pair.client), Mask("IN|OUT|RDHUP"));
  FACT(receive(pair.server, 1), Succeeds(0));
  FACT(transmit(pair.server, 1), FailsWith(EPIPE));
  FACT(receive(pair.client, 1), Succeeds(0));
}

CONFORMANCE(TcpClose, OwnShutdownsInEpoll) {
  // inet_shutdown ends with sk_state_change: a wake-up for each.
  TcpPair pair;
  Epoll epoll;
  epoll.add(pair.client, kEdge);
  epoll.wait();
  shutdown(pair.client, SHUT_RD);
  FACT(epoll.wait(), Events("IN|OUT|RDHUP"));
  shutdown(pair.client, SHUT_WR);
  FACT(epoll.wait(), Events("IN|OUT|RDHUP|HUP"));
}

CONFORMANCE(TcpClose, ShutdownWithUnreadDataIsOnlyAFin) {
  TcpPair pair;
  transmit(pair.client, 8);
  settle();
  FACT(shutdown(pair.server, SHUT_RDWR), Succeeds(0));
  settle();
  FACT(ready(pair.client), Mask("IN|OUT|RDHUP"));
  FACT(receive(pair.client, 1), Succeeds(0));
  FACT(receive(pair.server, 10), Succeeds(8));
}

CONFORMANCE(TcpClose, ShutdownChecksItsArguments) {
  TcpPair pair;
  FACT(shutdown(pair.client, 3), FailsWith(EINVAL));
  FACT(shutdown(pair.client, -1), FailsWith(EINVAL));
  FACT(shutdown(-1, SHUT_WR), FailsWith(EBADF));
  Pipe pipe;
  FACT(shutdown(pipe.writer, SHUT_WR), FailsWith(ENOTSOCK));
}

// --- After the peer closed altogether.

CONFORMANCE(TcpClose, PeerCloseLooksLikeAFin) {
  TcpPair pair;
  pair.server.close();
  settle();
  FACT(ready(pair.client), Mask("IN|OUT|RDHUP"));
  FACT(receive(pair.client, 1), Succeeds(0));
}

CONFORMANCE(TcpClose, SendToAClosedPeer) {
  // The first send succeeds; the peer answers with RST, which in CLOSE_WAIT is EPIPE (tcp_reset).
  TcpPair pair;
  pair.server.close();
  settle();
  FACT(transmit(pair.client, 1), Succeeds(1));
  settle();
  FACT(ready(pair.client), Mask("IN|OUT|RDHUP|HUP|ERR"));
  FACT(socket_error(pair.client), Error(EPIPE));
  FACT(socket_error(pair.client), Error(0));
  FACT(ready(pair.client), Mask("IN|OUT|RDHUP|HUP"));
  FACT(transmit(pair.client, 1), FailsWith(EPIPE));
  FACT(receive(pair.client, 1), Succeeds(0));
  FACT(peer_name(pair.client), FailsWith(ENOTCONN));
}

CONFORMANCE(TcpClose, SendsAfterThatReset) {
  TcpPair pair;
  pair.server.close();
  settle();
  FACT(transmit(pair.client, 1), Succeeds(1));
  settle();
  FACT(transmit(pair.client, 1), FailsWith(EPIPE));
  FACT(transmit(pair.client, 1), FailsWith(EPIPE));
  FACT(receive(pair.client, 1), Succeeds(0));
}

CONFORMANCE(TcpClose, AnswerOfAClosedPeerIsAnEdge) {
  TcpPair pair;
  Epoll epoll;
  epoll.add(pair.client, kEdge);
  epoll.wait();
  pair.server.close();
  settle();
  FACT(epoll.wait(), Events("IN|OUT|RDHUP"));
  transmit(pair.client, 1);
  settle();
  FACT(epoll.wait(), Events("IN|OUT|RDHUP|HUP|ERR"));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(TcpClose, CloseAfterTheOtherClosed) {
  TcpPair pair;
  pair.server.close();
  settle();
  FACT(pair.client.close(), Succeeds(0));
}

CONFORMANCE(TcpClose, HalfCloseThenPeerCloses) {
  TcpPair pair;
  shutdown(pair.client, SHUT_WR);
  settle();
  transmit(pair.server, 12);
  pair.server.close();
  settle();
  FACT(ready(pair.client), Mask("IN|OUT|RDHUP|HUP"));
  FACT(receive(pair.client, 50), Succeeds(12));
  FACT(receive(pair.client, 50), Succeeds(0));
  FACT(transmit(pair.client, 1), FailsWith(EPIPE));
}

}  // namespace
}  // namespace conformance

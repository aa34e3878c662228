// SPDX-License-Identifier: MIT
//
// Resets of a TCP connection, and lingering.
// socket(7) on SO_LINGER, tcp(7); RFC 1122 4.2.2.13 (close with unread data resets); in the kernel
// __tcp_close, tcp_disconnect, tcp_reset, tcp_done.
#include "toolbox.h"

namespace conformance {
namespace {

constexpr uint32_t kEdge = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

int peer_name(int fd) {
  Address address;
  socklen_t size = Address::kSize;
  return getpeername(fd, address.get(), &size);
}

CONFORMANCE(TcpReset, CloseWithUnreadData) {
  TcpPair pair;
  transmit(pair.client, 10);
  settle();
  pair.server.close();
  settle();
  FACT(ready(pair.client), Mask("IN|OUT|RDHUP|HUP|ERR"));
  FACT(receive(pair.client, 1), FailsWith(ECONNRESET));
  FACT(receive(pair.client, 1), Succeeds(0));
  FACT(ready(pair.client), Mask("IN|OUT|RDHUP|HUP"));
  FACT(transmit(pair.client, 1), FailsWith(EPIPE));
  FACT(peer_name(pair.client), FailsWith(ENOTCONN));
  FACT(shutdown(pair.client, SHUT_RDWR), FailsWith(ENOTCONN));
}

CONFORMANCE(TcpReset, PartlyReadIsUnread) {
  TcpPair pair;
  transmit(pair.client, 10);
  settle();
  FACT(receive(pair.server, 9), Succeeds(9));
  pair.server.close();
  settle();
  FACT(socket_error(pair.client), Error(ECONNRESET));
}

CONFORMANCE(TcpReset, PeekedIsUnread) {
  TcpPair pair;
  transmit(pair.client, 10);
  settle();
  FACT(receive(pair.server, 10, MSG_PEEK), Succeeds(10));
  pair.server.close();
  settle();
  FACT(socket_error(pair.client), Error(ECONNRESET));
}

CONFORMANCE(TcpReset, AllReadIsAFin) {
  TcpPair pair;
  transmit(pair.client, 10);
  settle();
  FACT(receive(pair.server, 10), Succeeds(10));
  pair.server.close();
  settle();
  FACT(ready(pair.client), Mask("IN|OUT|RDHUP"));
  FACT(socket_error(pair.client), Error(0));
}

CONFORMANCE(TcpReset, UnreadEndOfStreamIsNoData) {
  // Only bytes count: an unread FIN does not make the close a reset.
  TcpPair pair;
  shutdown(pair.client, SHUT_WR);
  settle();
  pair.server.close();
  settle();
  FACT(ready(pair.client), Mask("IN|OUT|RDHUP|HUP"));
  FACT(socket_error(pair.client), Error(0));
}

CONFORMANCE(TcpReset, DataIsReadableBeforeTheError) {
  TcpPair pair;
  transmit(pair.client, 5);
  settle();
  abort_connection(pair.client);
  settle();
  FACT(ready(pair.server), Mask("IN|OUT|RDHUP|HUP|ERR"));
  FACT(receive(pair.server, 100), Succeeds(5));
  FACT(receive(pair.server, 100), FailsWith(ECONNRESET));
  FACT(receive(pair.server, 100), Succeeds(0));
  FACT(transmit(pair.server, 1), FailsWith(EPIPE));
}

CONFORMANCE(TcpReset, ErrorIsTakenBySend) {
  TcpPair pair;
  abort_connection(pair.client);
  settle();
  FACT(transmit(pair.server, 1), FailsWith(ECONNRESET));
  FACT(transmit(pair.server, 1), FailsWith(EPIPE));
  FACT(receive(pair.server, 1), Succeeds(0));
}

CONFORMANCE(TcpReset, ErrorIsTakenByGetsockopt) {
  TcpPair pair;
  abort_connection(pair.client);
  settle();
  FACT(socket_error(pair.server), Error(ECONNRESET));
  FACT(socket_error(pair.server), Error(0));
  FACT(ready(pair.server), Mask("IN|OUT|RDHUP|HUP"));
  FACT(receive(pair.server, 1), Succeeds(0));
  FACT(transmit(pair.server, 1), FailsWith(EPIPE));
}

CONFORMANCE(TcpReset, AfterAFinReceiveSaysTheEnd) {
  // tcp_recvmsg_locked looks at SOCK_DONE and RCV_SHUTDOWN in turn: an end already seen stays one.
  TcpPair pair;
  shutdown(pair.client, SHUT_WR);
  settle();
  FACT(receive(pair.server, 1), Succeeds(0));
  abort_connection(pair.client);
  settle();
  FACT(ready(pair.server), Mask("IN|OUT|RDHUP|HUP|ERR"));
  FACT(receive(pair.server, 1), Succeeds(0));
  FACT(socket_error(pair.server), Error(EPIPE));
}

CONFORMANCE(TcpReset, IsAnEdge) {
  TcpPair pair;
  Epoll epoll;
  epoll.add(pair.server, kEdge);
  FACT(epoll.wait(), Events("OUT"));
  abort_connection(pair.client);
  settle();
  FACT(epoll.wait(), Events("IN|OUT|RDHUP|HUP|ERR"));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(TcpReset, ReportedWithoutBeingAskedFor) {
  // epoll_ctl(2): EPOLLERR and EPOLLHUP need not be set.
  TcpPair pair;
  Epoll epoll;
  epoll.add(pair.server, 0);
  FACT(epoll.wait(), NoEvents());
  abort_connection(pair.client);
  settle();
  FACT(epoll.wait(), Events("HUP|ERR"));
  FACT(ready(pair.server, 0), Mask("HUP|ERR"));
  FACT(socket_error(pair.server), Error(ECONNRESET));
  FACT(epoll.wait(), Events("HUP"));
}

CONFORMANCE(TcpReset, WithAFullSendBuffer) {
  TcpPair pair;
  fill_up(pair.server);
  FACT(ready(pair.server), Mask("0"));
  Epoll epoll;
  epoll.add(pair.server, kEdge);
  FACT(epoll.wait(), NoEvents());
  abort_connection(pair.client);
  settle();
  FACT(epoll.wait(), Events("IN|OUT|RDHUP|HUP|ERR"));
  FACT(transmit(pair.server, 1), FailsWith(ECONNRESET));
}

CONFORMANCE(TcpReset, TheResetterDropsWhatWasUnsent) {
  TcpPair pair;
  size_t sent = fill_up(pair.client);
  abort_connection(pair.client);
  settle();
  size_t received = drain(pair.server);
  FACT(received < sent, Holds());
}

CONFORMANCE(TcpReset, CloseDeliversWhatWasUnsent) {
  TcpPair pair;
  size_t sent = fill_up(pair.client);
  pair.client.close();
  size_t received = 0;
  while (becomes(pair.server, POLLIN)) {
    ssize_t got = receive(pair.server, 65536);
    if (got <= 0) break;
    received += static_cast<size_t>(got);
  }
  FACT(received == sent, Holds());
  FACT(receive(pair.server, 1), Succeeds(0));
}

// --- SO_LINGER.

CONFORMANCE(TcpLinger, ReadsBack) {
  Fd fd = tcp_socket();
  linger value{7, 7};
  socklen_t size = sizeof value;
  FACT(getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &size), Succeeds(0));
  FACT(value.l_onoff, Succeeds(0));
  FACT(set_linger(fd, 1, 3), Succeeds(0));
  FACT(getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &size), Succeeds(0));
  FACT(value.l_onoff, Succeeds(1));
  FACT(value.l_linger, Succeeds(3));
  FACT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, 4), FailsWith(EINVAL));
}

CONFORMANCE(TcpLinger, NothingUnsentIsAFin) {
  TcpPair pair;
  set_linger(pair.client, 1, 1);
  FACT(pair.client.close(), Succeeds(0));
  settle();
  FACT(ready(pair.server), Mask("IN|OUT|RDHUP"));
  FACT(receive(pair.server, 1), Succeeds(0));
}

CONFORMANCE(TcpLinger, ZeroIsAReset) {
  TcpPair pair;
  FACT(set_linger(pair.client, 1, 0), Succeeds(0));
  FACT(pair.client.close(), Succeeds(0));
  settle();
  FACT(socket_error(pair.server), Error(ECONNRESET));
}

CONFORMANCE(TcpLinger, ShutdownIsNoClose) {
  TcpPair pair;
  set_linger(pair.client, 1, 0);
  shutdown(pair.client, SHUT_RDWR);
  settle();
  FACT(ready(pair.server), Mask("IN|OUT|RDHUP"));
  FACT(socket_error(pair.server), Error(0));
}

CONFORMANCE(TcpLinger, DuplicateKeepsTheConnection) {
  // Only the last descriptor's close is one: close(2), __fput.
  TcpPair pair;
  Fd copy(dup(pair.client));
  set_linger(pair.client, 1, 0);
  FACT(pair.client.close(), Succeeds(0));
  settle();
  FACT(ready(pair.server), Mask("OUT"));
  FACT(transmit(copy, 2), Succeeds(2));
  settle();
  FACT(receive(pair.server, 5), Succeeds(2));
  copy.close();
  settle();
  FACT(socket_error(pair.server), Error(ECONNRESET));
}

}  // namespace
}  // namespace conformance

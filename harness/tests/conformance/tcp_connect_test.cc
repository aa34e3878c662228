// SPDX-License-Identifier: MIT
//
// TCP from socket() to a connection: the states of connect, and refusal.
// tcp(7), connect(2), bind(2); in the kernel inet_stream_connect, tcp_poll, tcp_reset.
#include "toolbox.h"

namespace conformance {
namespace {

int begin_connect(int fd, uint16_t port) { return connect_to(fd, port); }

int peer_name(int fd) {
  Address address;
  socklen_t size = Address::kSize;
  return getpeername(fd, address.get(), &size);
}

int dissolve(int fd) {
  sockaddr unspecified{};
  unspecified.sa_family = AF_UNSPEC;
  return connect(fd, &unspecified, sizeof unspecified);
}

// --- Before a connection.

CONFORMANCE(TcpConnect, FreshSocketHangsUp) {
  // tcp_poll: TCP_CLOSE counts as both directions shut down.
  Fd fd = tcp_socket();
  FACT(ready(fd), Mask("OUT|HUP"));
  FACT(socket_error(fd), Error(0));
  FACT(receive(fd, 1), FailsWith(ENOTCONN));
  FACT(transmit(fd, 1), FailsWith(EPIPE));
  FACT(shutdown(fd, SHUT_RDWR), FailsWith(ENOTCONN));
  FACT(peer_name(fd), FailsWith(ENOTCONN));
  FACT(local_port(fd), Succeeds(0));
}

CONFORMANCE(TcpConnect, BoundSocketIsStillFresh) {
  DeadPort bound;
  FACT(ready(bound.fd), Mask("OUT|HUP"));
  FACT(local_port(bound.fd) == bound.port, Holds());
  FACT(bind_to(bound.fd, 0), FailsWith(EINVAL));
}

CONFORMANCE(TcpConnect, FreshSocketInEpoll) {
  Fd fd = tcp_socket();
  Epoll epoll;
  FACT(epoll.add(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET), Succeeds(0));
  FACT(epoll.wait(), Events("OUT|HUP"));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(TcpConnect, BindChecksItsArgument) {
  Fd fd = tcp_socket();
  Address address = loopback(0);
  FACT(bind(fd, address.get(), 4), FailsWith(EINVAL));
  address.in.sin_family = AF_UNIX;
  FACT(bind(fd, address.get(), Address::kSize), FailsWith(EAFNOSUPPORT));
  address.in.sin_family = AF_INET;
  address.in.sin_addr.s_addr = htonl(0xC6336407);  // 198.51.100.7, of nobody (RFC 5737)
  FACT(bind(fd, address.get(), Address::kSize), FailsWith(EADDRNOTAVAIL));
  FACT(bind_to(fd, 0), Succeeds(0));
}

CONFORMANCE(TcpConnect, ConnectChecksItsArgument) {
  Fd fd = tcp_socket();
  Address address = loopback(1);
  FACT(connect(fd, address.get(), 1), FailsWith(EINVAL));
  FACT(connect(fd, address.get(), 8), FailsWith(EINVAL));
  address.in.sin_family = AF_UNIX;
  FACT(connect(fd, address.get(), Address::kSize), FailsWith(EAFNOSUPPORT));
}

// --- A connection comes to be.

CONFORMANCE(TcpConnect, NonBlockingIsInProgressThenConnected) {
  Listener listener;
  Fd fd = tcp_socket();
  FACT(begin_connect(fd, listener.port), FailsWith(EINPROGRESS));
  FACT(becomes(fd, POLLOUT), Holds());
  FACT(ready(fd), Mask("OUT"));
  FACT(socket_error(fd), Error(0));
  // inet_stream_connect: SS_CONNECTING is left by the call that finds it established.
  FACT(connect_to(fd, listener.port), Succeeds(0));
  FACT(connect_to(fd, listener.port), FailsWith(EISCONN));
  FACT(peer_port(fd) == listener.port, Holds());
}

CONFORMANCE(TcpConnect, BlockingConnectIsComplete) {
  Listener listener;
  Fd fd = tcp_socket(0);
  FACT(connect_to(fd, listener.port), Succeeds(0));
  FACT(connect_to(fd, listener.port), FailsWith(EISCONN));
  FACT(ready(fd), Mask("OUT"));
}

CONFORMANCE(TcpConnect, BlockingConnectRefused) {
  DeadPort dead;
  Fd fd = tcp_socket(0);
  FACT(connect_to(fd, dead.port), FailsWith(ECONNREFUSED));
  FACT(socket_error(fd), Error(0));
}

CONFORMANCE(TcpConnect, EstablishedIsAnEdge) {
  Listener listener;
  Fd fd = tcp_socket();
  must(connect_to(fd, listener.port) == 0 || errno == EINPROGRESS ? 0 : -1, "connect");
  Epoll epoll;
  FACT(epoll.add(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET), Succeeds(0));
  FACT(epoll.wait(1000), Events("OUT"));
  settle();
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(TcpConnect, RegisteredBeforeConnect) {
  // The fresh socket's OUT|HUP is an event of its own; that of the connection follows.
  Listener listener;
  Fd fd = tcp_socket();
  Epoll epoll;
  epoll.add(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  FACT(epoll.wait(), Events("OUT|HUP"));
  FACT(begin_connect(fd, listener.port), FailsWith(EINPROGRESS));
  settle();
  FACT(epoll.wait(), Events("OUT"));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(TcpConnect, WildcardMeansThisHost) {
  Listener listener;
  Fd fd = tcp_socket();
  Address address = any_address(listener.port);
  FACT(connect(fd, address.get(), Address::kSize), FailsWith(EINPROGRESS));
  FACT(becomes(fd, POLLOUT), Holds());
  FACT(socket_error(fd), Error(0));
  Address peer;
  socklen_t size = Address::kSize;
  FACT(getpeername(fd, peer.get(), &size), Succeeds(0));
  FACT(peer.in.sin_addr.s_addr == htonl(INADDR_LOOPBACK), Holds());
}

CONFORMANCE(TcpConnect, SelfConnect) {
  // Simultaneous open of one socket with itself: RFC 9293 3.5, tcp_rcv_synsent_state_process.
  DeadPort self;
  FACT(begin_connect(self.fd, self.port), FailsWith(EINPROGRESS));
  settle();
  FACT(ready(self.fd), Mask("OUT"));
  FACT(socket_error(self.fd), Error(0));
  FACT(transmit(self.fd, 5), Succeeds(5));
  settle();
  FACT(receive(self.fd, 10), Succeeds(5));
  FACT(peer_port(self.fd) == self.port, Holds());
}

// --- While it is being made. A full accept queue keeps the client in SYN_SENT: its SYN is dropped
// without an answer (tcp_conn_request, sk_acceptq_is_full).

struct Unanswered {
  Unanswered() : listener(0), first(dial(listener.port)), fd(tcp_socket()) {
    if (connect_to(fd, listener.port) == 0 || errno != EINPROGRESS) give_up("connect");
    settle();
  }
  Listener listener;
  Fd first, fd;
};

CONFORMANCE(TcpConnect, SynSentHasNothing) {
  Unanswered state;
  FACT(ready(state.fd), Mask("0"));
  FACT(connect_to(state.fd, state.listener.port), FailsWith(EALREADY));
  FACT(receive(state.fd, 1), FailsWith(EAGAIN));
  FACT(transmit(state.fd, 1), FailsWith(EAGAIN));
  FACT(peer_name(state.fd), FailsWith(ENOTCONN));
  FACT(socket_error(state.fd), Error(0));
  FACT(local_port(state.fd) != 0, Holds());
}

CONFORMANCE(TcpConnect, ShutdownAbandonsTheAttempt) {
  // __inet_shutdown: SYN_SENT is disconnected.
  Unanswered state;
  FACT(shutdown(state.fd, SHUT_WR), Succeeds(0));
  FACT(ready(state.fd, POLLOUT), Mask("OUT|HUP|ERR"));
}

CONFORMANCE(TcpConnect, DroppedSynIsSentAgain) {
  // tcp_retransmit_timer: TCP_TIMEOUT_INIT is one second.
  Unanswered state;
  Fd accepted = accept_from(state.listener);
  FACT(ready(state.fd), Mask("0"));
  FACT(becomes(state.fd, POLLOUT), Holds());
  FACT(socket_error(state.fd), Error(0));
}

CONFORMANCE(TcpConnect, CloseWhileInProgress) {
  Unanswered state;
  Epoll epoll;
  epoll.add(state.fd, EPOLLIN | EPOLLOUT);
  FACT(state.fd.close(), Succeeds(0));
  FACT(epoll.wait(), NoEvents());
  Fd accepted = accept_from(state.listener);
  settle();
  FACT(ready(state.listener), Mask("0"));
}

// --- It is refused.

struct Refused {
  Refused() : fd(tcp_socket()) {
    if (connect_to(fd, dead.port) == 0 || errno != EINPROGRESS) give_up("connect");
    if (!becomes(fd, POLLERR)) give_up("no refusal");
  }
  DeadPort dead;
  Fd fd;
};

CONFORMANCE(TcpConnect, RefusedMaskAndErrorOnce) {
  Refused state;
  FACT(ready(state.fd), Mask("IN|OUT|RDHUP|HUP|ERR"));
  FACT(socket_error(state.fd), Error(ECONNREFUSED));
  FACT(socket_error(state.fd), Error(0));
  FACT(ready(state.fd), Mask("IN|OUT|RDHUP|HUP"));
  FACT(transmit(state.fd, 1), FailsWith(EPIPE));
  FACT(receive(state.fd, 1), Succeeds(0));
}

CONFORMANCE(TcpConnect, RefusalIsTakenByReceive) {
  Refused state;
  FACT(receive(state.fd, 1), FailsWith(ECONNREFUSED));
  FACT(receive(state.fd, 1), Succeeds(0));
  FACT(socket_error(state.fd), Error(0));
}

CONFORMANCE(TcpConnect, RefusalIsTakenByConnect) {
  Refused state;
  FACT(connect_to(state.fd, state.dead.port), FailsWith(ECONNREFUSED));
  FACT(ready(state.fd), Mask("OUT|HUP"));
  FACT(connect_to(state.fd, state.dead.port), FailsWith(EINPROGRESS));
}

CONFORMANCE(TcpConnect, ConnectAfterTheErrorWasRead) {
  // inet_stream_connect: a closed socket in SS_CONNECTING without sk_err says ECONNABORTED.
  Refused state;
  FACT(socket_error(state.fd), Error(ECONNREFUSED));
  FACT(connect_to(state.fd, state.dead.port), FailsWith(ECONNABORTED));
  FACT(connect_to(state.fd, state.dead.port), FailsWith(EINPROGRESS));
}

CONFORMANCE(TcpConnect, RefusalInEpoll) {
  DeadPort dead;
  Fd fd = tcp_socket();
  Epoll epoll;
  must(connect_to(fd, dead.port) == 0 || errno == EINPROGRESS ? 0 : -1, "connect");
  epoll.add(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  settle();
  FACT(epoll.wait(), Events("IN|OUT|RDHUP|HUP|ERR"));
  FACT(epoll.wait(), NoEvents());
  FACT(epoll.modify(fd, EPOLLOUT), Succeeds(0));
  FACT(epoll.wait(), Events("OUT|HUP|ERR"));
}

CONFORMANCE(TcpConnect, RefusedPortIsNotHeld) {
  DeadPort dead;
  uint16_t port = dead.port;
  dead.fd.close();
  Fd fd = tcp_socket();
  must(connect_to(fd, port) == 0 || errno == EINPROGRESS ? 0 : -1, "connect");
  FACT(becomes(fd, POLLERR), Holds());
  FACT(socket_error(fd), Error(ECONNREFUSED));
  Fd server = tcp_socket();
  FACT(bind_to(server, port), Succeeds(0));
  FACT(listen(server, 1), Succeeds(0));
}

// --- Ending an association by AF_UNSPEC: connect(2), tcp_disconnect.

CONFORMANCE(TcpConnect, DissolveResetsThePeer) {
  TcpPair pair;
  FACT(dissolve(pair.client), Succeeds(0));
  settle();
  FACT(ready(pair.client), Mask("OUT|HUP|ERR"));
  FACT(socket_error(pair.client), Error(ECONNRESET));
  FACT(ready(pair.client), Mask("OUT|HUP"));
  FACT(ready(pair.server), Mask("IN|OUT|RDHUP|HUP|ERR"));
  FACT(receive(pair.server, 1), FailsWith(ECONNRESET));
  FACT(begin_connect(pair.client, pair.listener.port), FailsWith(EINPROGRESS));
  settle();
  FACT(ready(pair.client), Mask("OUT"));
}

}  // namespace
}  // namespace conformance

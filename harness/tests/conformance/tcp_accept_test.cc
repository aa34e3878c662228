// SPDX-License-Identifier: MIT
//
// Listening, the accept queue, and ports.
// accept(2), listen(2), bind(2), getrlimit(2); in the kernel __sys_accept4, inet_csk_accept,
// inet_csk_get_port, inet_csk_listen_stop, tcp_v4_syn_recv_sock.
#include <netinet/tcp.h>

#include <vector>

#include "toolbox.h"

namespace conformance {
namespace {

constexpr uint32_t kEdge = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

// Accepts and closes.
int try_accept(int listener, int flags = 0) {
  int fd = accept4(listener, nullptr, nullptr, flags);
  if (fd >= 0) close(fd);
  return fd < 0 ? -1 : 0;
}

CONFORMANCE(TcpAccept, QuietListener) {
  Listener listener;
  FACT(ready(listener), Mask("0"));
  FACT(try_accept(listener), FailsWith(EAGAIN));
  FACT(receive(listener, 1), FailsWith(ENOTCONN));
  FACT(transmit(listener, 1), FailsWith(EPIPE));
  FACT(connect_to(listener, listener.port), FailsWith(EISCONN));
  FACT(get_option(listener, SOL_SOCKET, SO_ACCEPTCONN), Succeeds(1));
}

CONFORMANCE(TcpAccept, OnlyListenersAccept) {
  Fd fresh = tcp_socket();
  FACT(try_accept(fresh), FailsWith(EINVAL));
  FACT(get_option(fresh, SOL_SOCKET, SO_ACCEPTCONN), Succeeds(0));
  TcpPair pair;
  FACT(try_accept(pair.client), FailsWith(EINVAL));
  FACT(listen(pair.client, 1), FailsWith(EINVAL));
  Pipe pipe;
  FACT(try_accept(pipe.reader), FailsWith(ENOTSOCK));
  FACT(listen(pipe.reader, 1), FailsWith(ENOTSOCK));
  FACT(try_accept(-1), FailsWith(EBADF));
}

CONFORMANCE(TcpAccept, UnknownFlags) {
  Listener listener;
  FACT(try_accept(listener, 1), FailsWith(EINVAL));
  FACT(socket(AF_INET, SOCK_STREAM | 0x100000, 0), FailsWith(EINVAL));
}

CONFORMANCE(TcpAccept, ListenBindsToAnEphemeralPort) {
  Fd fd = tcp_socket();
  FACT(listen(fd, 1), Succeeds(0));
  FACT(local_port(fd) >= 32768, Holds());
}

CONFORMANCE(TcpAccept, QueuedConnectionIsReadable) {
  Listener listener;
  Epoll epoll;
  epoll.add(listener, kEdge);
  FACT(epoll.wait(), NoEvents());
  Fd client = dial(listener.port);
  FACT(ready(client), Mask("OUT"));
  FACT(ready(listener), Mask("IN"));
  FACT(epoll.wait(), Events("IN"));
  Fd server = accept_from(listener);
  FACT(ready(listener), Mask("0"));
  FACT(ready(server), Mask("OUT"));
  FACT(try_accept(listener), FailsWith(EAGAIN));
}

CONFORMANCE(TcpAccept, OneEdgeForTwoConnections) {
  // What is left in the queue is not announced again until another connection comes.
  Listener listener;
  Epoll epoll;
  epoll.add(listener, kEdge);
  Fd first = dial(listener.port), second = dial(listener.port);
  FACT(epoll.wait(), Events("IN"));
  FACT(try_accept(listener), Succeeds(0));
  FACT(epoll.wait(), NoEvents());
  Fd third = dial(listener.port);
  FACT(epoll.wait(), Events("IN"));
  FACT(try_accept(listener), Succeeds(0));
  FACT(try_accept(listener), Succeeds(0));
  FACT(try_accept(listener), FailsWith(EAGAIN));
}

CONFORMANCE(TcpAccept, InOrderOfArrival) {
  Listener listener;
  Fd first = dial(listener.port), second = dial(listener.port), third = dial(listener.port);
  Fd a = accept_from(listener), b = accept_from(listener), c = accept_from(listener);
  FACT(peer_port(a) == local_port(first), Holds());
  FACT(peer_port(b) == local_port(second), Holds());
  FACT(peer_port(c) == local_port(third), Holds());
}

CONFORMANCE(TcpAccept, NamesOfBothEnds) {
  TcpPair pair;
  FACT(local_port(pair.server) == pair.listener.port, Holds());
  FACT(peer_port(pair.client) == pair.listener.port, Holds());
  FACT(local_port(pair.client) == peer_port(pair.server), Holds());
  Address address;
  socklen_t size = Address::kSize;
  FACT(getsockname(pair.server, address.get(), &size), Succeeds(0));
  FACT(address.in.sin_addr.s_addr == htonl(INADDR_LOOPBACK), Holds());
  FACT(address.in.sin_family == AF_INET, Holds());
  FACT(size, Succeeds(16));
  size = 4;  // getsockname(2): truncated, and the whole length is told
  address.in.sin_port = 0;
  FACT(getsockname(pair.server, address.get(), &size), Succeeds(0));
  FACT(size, Succeeds(16));
}

CONFORMANCE(TcpAccept, TellsTheAddress) {
  Listener listener;
  Fd client = dial(listener.port);
  Address address;
  socklen_t size = Address::kSize;
  Fd server(accept4(listener, address.get(), &size, SOCK_NONBLOCK));
  FACT(size, Succeeds(16));
  FACT(ntohs(address.in.sin_port) == local_port(client), Holds());
  FACT(address.in.sin_addr.s_addr == htonl(INADDR_LOOPBACK), Holds());
}

CONFORMANCE(TcpAccept, FlagsAreNotInherited) {
  // accept(2), Notes: unlike on BSD the new file has no flags of the listener.
  Listener listener;
  Fd one = dial(listener.port), two = dial(listener.port);
  Fd plain(accept(listener, nullptr, nullptr));
  FACT(fcntl(plain, F_GETFL), Succeeds(O_RDWR));
  FACT(fcntl(plain, F_GETFD), Succeeds(0));
  Fd with(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  FACT(fcntl(with, F_GETFL), Succeeds(O_RDWR | O_NONBLOCK));
  FACT(fcntl(with, F_GETFD), Succeeds(FD_CLOEXEC));
}

CONFORMANCE(TcpAccept, OptionsAreInherited) {
  Listener listener;
  set_option(listener, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(listener, SOL_SOCKET, SO_KEEPALIVE, 1);
  Fd client = dial(listener.port);
  Fd server = accept_from(listener);
  FACT(get_option(server, IPPROTO_TCP, TCP_NODELAY), Succeeds(1));
  FACT(get_option(server, SOL_SOCKET, SO_KEEPALIVE), Succeeds(1));
  FACT(get_option(server, SOL_SOCKET, SO_ACCEPTCONN), Succeeds(0));
}

CONFORMANCE(TcpAccept, BlockingAcceptWithATimeout) {
  Listener listener(1, 0);
  timeval timeout{0, 30'000};
  setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  int64_t before = now_ns(CLOCK_MONOTONIC);
  FACT(try_accept(listener), FailsWith(EAGAIN));
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 30'000'000, Holds());
}

// --- What happened to the connection before it is accepted does not matter to accept.

CONFORMANCE(TcpAccept, ResetBeforeAccept) {
  Listener listener;
  Fd client = dial(listener.port);
  abort_connection(client);
  settle();
  FACT(ready(listener), Mask("IN"));
  Fd server = accept_from(listener);
  FACT(ready(server), Mask("IN|OUT|RDHUP|HUP|ERR"));
  FACT(receive(server, 1), FailsWith(ECONNRESET));
  FACT(receive(server, 1), Succeeds(0));
  Address address;
  socklen_t size = Address::kSize;
  FACT(getpeername(server, address.get(), &size), FailsWith(ENOTCONN));
}

CONFORMANCE(TcpAccept, EndOfStreamBeforeAccept) {
  Listener listener;
  Fd client = dial(listener.port);
  transmit(client, 7);
  client.close();
  settle();
  FACT(ready(listener), Mask("IN"));
  Fd server = accept_from(listener);
  FACT(ready(server), Mask("IN|OUT|RDHUP"));
  FACT(receive(server, 10), Succeeds(7));
  FACT(receive(server, 10), Succeeds(0));
}

CONFORMANCE(TcpAccept, DataBeforeAccept) {
  Listener listener;
  Fd client = dial(listener.port);
  FACT(transmit(client, 9), Succeeds(9));
  settle();
  Fd server = accept_from(listener);
  FACT(ready(server), Mask("IN|OUT"));
  FACT(bytes_queued(server), Succeeds(9));
}

// --- The backlog: listen(2); sk_acceptq_is_full lets one more in than was asked for.

CONFORMANCE(TcpAccept, BacklogPlusOne) {
  Listener listener(2);
  std::vector<Fd> clients;
  for (int i = 0; i < 4; i++) clients.push_back(dial(listener.port));
  FACT(ready(clients[0]), Mask("OUT"));
  FACT(ready(clients[1]), Mask("OUT"));
  FACT(ready(clients[2]), Mask("OUT"));
  FACT(ready(clients[3]), Mask("0"));
}

CONFORMANCE(TcpAccept, BacklogOfZeroTakesOne) {
  Listener listener(0);
  Fd first = dial(listener.port), second = dial(listener.port);
  FACT(ready(first), Mask("OUT"));
  FACT(ready(second), Mask("0"));
  FACT(try_accept(listener), Succeeds(0));
  FACT(try_accept(listener), FailsWith(EAGAIN));
}

CONFORMANCE(TcpAccept, ListenAgainChangesTheBacklog) {
  Listener listener(0);
  Fd first = dial(listener.port);
  FACT(listen(listener, 1), Succeeds(0));
  Fd second = dial(listener.port);
  FACT(ready(second), Mask("OUT"));
  FACT(try_accept(listener), Succeeds(0));
  FACT(try_accept(listener), Succeeds(0));
}

// --- The end of a listener.

CONFORMANCE(TcpAccept, ClosingResetsWhatWasQueued) {
  // inet_csk_listen_stop: each child is disconnected, its peer gets a reset.
  Listener listener;
  Fd client = dial(listener.port);
  FACT(listener.fd.close(), Succeeds(0));
  settle();
  FACT(ready(client), Mask("IN|OUT|RDHUP|HUP|ERR"));
  FACT(socket_error(client), Error(ECONNRESET));
  FACT(receive(client, 1), Succeeds(0));
}

CONFORMANCE(TcpAccept, ClosingKeepsWhatWasAccepted) {
  TcpPair pair;
  pair.listener.fd.close();
  settle();
  FACT(transmit(pair.client, 3), Succeeds(3));
  settle();
  FACT(receive(pair.server, 10), Succeeds(3));
  FACT(ready(pair.client), Mask("OUT"));
}

CONFORMANCE(TcpAccept, ShutdownStopsListening) {
  // inet_shutdown: a listener that is shut down for reading is disconnected, back to TCP_CLOSE; it
  // may listen again, though maybe at another port when it had not asked for that one.
  Listener listener;
  FACT(shutdown(listener, SHUT_RD), Succeeds(0));
  FACT(ready(listener), Mask("OUT|HUP"));
  FACT(try_accept(listener), FailsWith(EINVAL));
  Fd client = dial(listener.port);
  FACT(socket_error(client), Error(ECONNREFUSED));
  FACT(listen(listener, 1), Succeeds(0));
  FACT(ready(listener), Mask("0"));
  Fd another = dial(local_port(listener));
  FACT(ready(another), Mask("OUT"));
}

// --- Ports.

CONFORMANCE(TcpPorts, EphemeralRange) {
  // ip(7), ip_local_port_range.
  DeadPort bound;
  FACT(bound.port >= 32768, Holds());
  FACT(bound.port <= 60999, Holds());
  Listener listener;
  Fd client = dial(listener.port);
  FACT(local_port(client) >= 32768, Holds());
  FACT(local_port(client) <= 60999, Holds());
}

CONFORMANCE(TcpPorts, BindAndConnectDrawFromDifferentHalves) {
  // inet_csk_find_open_port prefers odd ports, __inet_hash_connect even ones.
  Listener listener;
  DeadPort one, two;
  FACT(one.port % 2, Succeeds(1));
  FACT(two.port % 2, Succeeds(1));
  FACT(one.port != two.port, Holds());
  Fd client = dial(listener.port);
  FACT(local_port(client) % 2, Succeeds(0));
}

CONFORMANCE(TcpPorts, TakenWithoutOptions) {
  DeadPort taken;
  Fd fd = tcp_socket();
  FACT(bind_to(fd, taken.port), FailsWith(EADDRINUSE));
  FACT(ready(fd), Mask("OUT|HUP"));
  FACT(bind_to(fd, 0), Succeeds(0));
}

CONFORMANCE(TcpPorts, ReuseAddressSharesUntilOneListens) {
  // inet_csk_bind_conflict: sk_reuse on both and none in TCP_LISTEN.
  Fd first = tcp_socket(), second = tcp_socket(), third = tcp_socket();
  for (const Fd* fd : {&first, &second, &third}) set_option(*fd, SOL_SOCKET, SO_REUSEADDR, 1);
  must(bind_to(first, 0), "bind");
  uint16_t port = local_port(first);
  FACT(bind_to(second, port), Succeeds(0));
  FACT(listen(first, 1), Succeeds(0));
  FACT(listen(second, 1), FailsWith(EADDRINUSE));
  FACT(bind_to(third, port), FailsWith(EADDRINUSE));
}

CONFORMANCE(TcpPorts, ReusePortSharesTheListening) {
  Fd first = tcp_socket(), second = tcp_socket();
  set_option(first, SOL_SOCKET, SO_REUSEPORT, 1);
  set_option(second, SOL_SOCKET, SO_REUSEPORT, 1);
  must(bind_to(first, 0), "bind");
  FACT(bind_to(second, local_port(first)), Succeeds(0));
  FACT(listen(first, 1), Succeeds(0));
  FACT(listen(second, 1), Succeeds(0));
}

CONFORMANCE(TcpPorts, WildcardConflictsWithSpecific) {
  DeadPort taken;
  Fd fd = tcp_socket();
  Address address = any_address(taken.port);
  FACT(bind(fd, address.get(), Address::kSize), FailsWith(EADDRINUSE));
}

CONFORMANCE(TcpPorts, TimeWaitHoldsThePortWithoutReuse) {
  TcpPair pair;  // its listener has no SO_REUSEADDR
  uint16_t port = pair.listener.port;
  pair.server.close();  // first to close: it waits
  settle();
  pair.client.close();
  settle();
  pair.listener.fd.close();
  Fd fd = tcp_socket();
  FACT(bind_to(fd, port), FailsWith(EADDRINUSE));
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  FACT(bind_to(fd, port), FailsWith(EADDRINUSE));
}

CONFORMANCE(TcpPorts, TimeWaitWithReuseOnBoth) {
  Fd listener = tcp_socket();
  set_option(listener, SOL_SOCKET, SO_REUSEADDR, 1);
  must(bind_to(listener, 0), "bind");
  must(listen(listener, 4), "listen");
  uint16_t port = local_port(listener);
  Fd client = dial(port);
  Fd server = accept_from(listener);
  server.close();
  settle();
  client.close();
  settle();
  listener.close();
  Fd again = tcp_socket();
  set_option(again, SOL_SOCKET, SO_REUSEADDR, 1);
  FACT(bind_to(again, port), Succeeds(0));
  FACT(listen(again, 4), Succeeds(0));
}

// --- Descriptor table full.

CONFORMANCE(TcpAccept, FullTableComesBeforeTheQueue) {
  // __sys_accept4 reserves the number first, so even an empty queue says EMFILE.
  Listener listener;
  Fd client = dial(listener.port);
  Epoll epoll;
  epoll.add(listener, EPOLLIN);
  std::vector<Fd> filler;
  for (;;) {
    int fd = dup(listener);
    if (fd < 0) break;
    filler.emplace_back(fd);
  }
  FACT(try_accept(listener), FailsWith(EMFILE));
  FACT(ready(listener), Mask("IN"));
  FACT(epoll.wait(), Events("IN"));
  filler.pop_back();
  FACT(try_accept(listener), Succeeds(0));
  filler.emplace_back(dup(listener));
  FACT(try_accept(listener), FailsWith(EMFILE));
  filler.pop_back();
  FACT(try_accept(listener), FailsWith(EAGAIN));
}

}  // namespace
}  // namespace conformance

// SPDX-License-Identifier: MIT
//
// socketpair(2), unix(7); in the kernel unix_stream_read_generic, unix_stream_sendmsg, unix_poll,
// unix_shutdown, unix_release_sock.
#include <sys/epoll.h>
#include <sys/un.h>

#include <cstring>
#include <thread>

#include "toolbox.h"

namespace conformance {
namespace {

constexpr uint32_t kEdge = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

CONFORMANCE(UnixPair, Creation) {
  int ends[2];
  FACT(socketpair(AF_INET, SOCK_STREAM, 0, ends), FailsWith(EOPNOTSUPP));
  FACT(socketpair(AF_UNIX, SOCK_STREAM, 77, ends), FailsWith(EPROTONOSUPPORT));
  FACT(socketpair(AF_UNIX, 77, 0, ends), FailsWith(EINVAL));
  FACT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), Succeeds(0));
  Fd a(ends[0]), b(ends[1]);
  FACT(fcntl(a, F_GETFL), Succeeds(O_RDWR));
  FACT(fcntl(b, F_GETFD), Succeeds(FD_CLOEXEC));
  UnixPair pair;
  FACT(fcntl(pair.a, F_GETFL), Succeeds(O_RDWR | O_NONBLOCK));
  FACT(get_option(pair.a, SOL_SOCKET, SO_TYPE), Succeeds(SOCK_STREAM));
  FACT(get_option(pair.a, SOL_SOCKET, SO_DOMAIN), Succeeds(AF_UNIX));
}

CONFORMANCE(UnixPair, FreshMasks) {
  UnixPair pair;
  FACT(ready(pair.a), Mask("OUT"));
  FACT(ready(pair.b), Mask("OUT"));
  FACT(receive(pair.a, 1), FailsWith(EAGAIN));
  FACT(socket_error(pair.a), Error(0));
}

CONFORMANCE(UnixPair, BytesArriveAtOnce) {
  UnixPair pair;
  FACT(transmit(pair.a, 10), Succeeds(10));
  FACT(ready(pair.b), Mask("IN|OUT"));
  FACT(bytes_queued(pair.b), Succeeds(10));
  FACT(transmit(pair.a, 5), Succeeds(5));
  FACT(receive(pair.b, 4, MSG_PEEK), Succeeds(4));
  FACT(receive(pair.b, 100), Succeeds(15));
  FACT(receive(pair.b, 100), FailsWith(EAGAIN));
  FACT(transmit(pair.b, 2), Succeeds(2));
  FACT(receive(pair.a, 100), Succeeds(2));
}

CONFORMANCE(UnixPair, ReadAndWrite) {
  UnixPair pair;
  char bytes[8] = "abcdefg";
  FACT(write(pair.a, bytes, 7), Succeeds(7));
  FACT(read(pair.b, bytes, 3), Succeeds(3));
  FACT(read(pair.b, bytes, 8), Succeeds(4));
  FACT(write(pair.a, bytes, 0), Succeeds(0));
  FACT(read(pair.b, bytes, 0), Succeeds(0));
  FACT(receive(pair.b, 0), FailsWith(EAGAIN));
  FACT(read(pair.b, bytes, 8), FailsWith(EAGAIN));
}

CONFORMANCE(UnixPair, ConnectedAlready) {
  UnixPair pair;
  FACT(listen(pair.a, 1), FailsWith(EINVAL));
  FACT(accept(pair.a, nullptr, nullptr), FailsWith(EINVAL));
  FACT(lseek(pair.a, 0, SEEK_SET), FailsWith(ESPIPE));
}

CONFORMANCE(UnixPair, NamesAreEmpty) {
  UnixPair pair;
  sockaddr_un address{};
  socklen_t size = sizeof address;
  FACT(getsockname(pair.a, reinterpret_cast<sockaddr*>(&address), &size), Succeeds(0));
  FACT(size, Succeeds(2));
  FACT(address.sun_family == AF_UNIX, Holds());
  size = sizeof address;
  FACT(getpeername(pair.a, reinterpret_cast<sockaddr*>(&address), &size), Succeeds(0));
  FACT(size, Succeeds(2));
}

// --- Ends.

CONFORMANCE(UnixPair, PeerClosed) {
  UnixPair pair;
  transmit(pair.a, 5);
  pair.a.close();
  FACT(ready(pair.b), Mask("IN|OUT|RDHUP|HUP"));
  FACT(receive(pair.b, 100), Succeeds(5));
  FACT(receive(pair.b, 100), Succeeds(0));
  FACT(ready(pair.b), Mask("IN|OUT|RDHUP|HUP"));
  FACT(transmit(pair.b, 1), FailsWith(EPIPE));
}

CONFORMANCE(UnixPair, PeerClosedWithBytesUnread) {
  // unix_release_sock: the peer of a socket with a non-empty queue gets ECONNRESET.
  UnixPair pair;
  transmit(pair.b, 5);
  pair.a.close();
  FACT(ready(pair.b), Mask("IN|OUT|RDHUP|HUP|ERR"));
  FACT(receive(pair.b, 1), FailsWith(ECONNRESET));
  FACT(receive(pair.b, 1), Succeeds(0));
  FACT(ready(pair.b), Mask("IN|OUT|RDHUP|HUP"));
  FACT(transmit(pair.b, 1), FailsWith(EPIPE));
}

CONFORMANCE(UnixPair, PeerShutsDownWriting) {
  UnixPair pair;
  FACT(shutdown(pair.a, SHUT_WR), Succeeds(0));
  FACT(ready(pair.b), Mask("IN|OUT|RDHUP"));
  FACT(receive(pair.b, 1), Succeeds(0));
  FACT(transmit(pair.a, 1), FailsWith(EPIPE));
  FACT(transmit(pair.b, 3), Succeeds(3));
  FACT(receive(pair.a, 10), Succeeds(3));
}

CONFORMANCE(UnixPair, PeerShutsDownReading) {
  UnixPair pair;
  FACT(shutdown(pair.a, SHUT_RD), Succeeds(0));
  FACT(transmit(pair.b, 1), FailsWith(EPIPE));
  FACT(receive(pair.a, 1), Succeeds(0));
  FACT(ready(pair.a), Mask("IN|OUT|RDHUP"));
  FACT(transmit(pair.a, 1), Succeeds(1));
}

CONFORMANCE(UnixPair, ShutdownOfBoth) {
  UnixPair pair;
  FACT(shutdown(pair.a, SHUT_RDWR), Succeeds(0));
  FACT(ready(pair.a), Mask("IN|OUT|RDHUP|HUP"));
  FACT(ready(pair.b), Mask("IN|OUT|RDHUP|HUP"));
  FACT(shutdown(pair.a, SHUT_RDWR), Succeeds(0));
  FACT(shutdown(pair.a, 3), FailsWith(EINVAL));
}

CONFORMANCE(UnixPair, BothHalvesInTurn) {
  UnixPair pair;
  shutdown(pair.a, SHUT_WR);
  shutdown(pair.b, SHUT_WR);
  FACT(ready(pair.a), Mask("IN|OUT|RDHUP|HUP"));
  FACT(ready(pair.b), Mask("IN|OUT|RDHUP|HUP"));
}

// --- Edges.

CONFORMANCE(UnixPair, EachArrivalIsAnEdge) {
  UnixPair pair;
  Epoll epoll;
  epoll.add(pair.b, EPOLLIN | EPOLLET);
  transmit(pair.a, 1);
  FACT(epoll.wait(), Events("IN"));
  FACT(epoll.wait(), NoEvents());
  transmit(pair.a, 1);
  FACT(epoll.wait(), Events("IN"));
}

CONFORMANCE(UnixPair, ReadingIsAWriteEdgeForThePeer) {
  // unix_write_space wakes whenever the socket is writable, full before or not.
  UnixPair pair;
  Epoll epoll;
  epoll.add(pair.a, EPOLLOUT | EPOLLET);
  FACT(epoll.wait(), Events("OUT"));
  transmit(pair.a, 10);
  FACT(epoll.wait(), NoEvents());
  receive(pair.b, 100);
  FACT(epoll.wait(), Events("OUT"));
}

CONFORMANCE(UnixPair, CloseIsAnEdge) {
  UnixPair pair;
  Epoll epoll;
  epoll.add(pair.b, kEdge);
  FACT(epoll.wait(), Events("OUT"));
  shutdown(pair.a, SHUT_WR);
  FACT(epoll.wait(), Events("IN|OUT|RDHUP"));
  pair.a.close();
  FACT(epoll.wait(), Events("IN|OUT|RDHUP|HUP"));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(UnixPair, FullThenDrained) {
  UnixPair pair;
  Epoll epoll;
  epoll.add(pair.a, EPOLLOUT | EPOLLET);
  size_t sent = fill_up(pair.a);
  FACT(sent > 0, Holds());
  FACT(ready(pair.a), Mask("0"));
  FACT(epoll.wait(), NoEvents());
  FACT(transmit(pair.a, 1), FailsWith(EAGAIN));
  FACT(drain(pair.b) == sent, Holds());
  FACT(epoll.wait(), Events("OUT"));
  FACT(ready(pair.a), Mask("OUT"));
}

CONFORMANCE(UnixPair, BlockingReceive) {
  UnixPair pair;
  fcntl(pair.b, F_SETFL, 0);
  ssize_t seen = 0;
  std::thread reader([&] { seen = receive(pair.b, 10); });
  settle();
  transmit(pair.a, 2);
  reader.join();
  FACT(seen, Succeeds(2));
}

CONFORMANCE(UnixPair, ShutdownEndsABlockedReceive) {
  UnixPair pair;
  fcntl(pair.b, F_SETFL, 0);
  ssize_t seen = -7;
  std::thread reader([&] { seen = receive(pair.b, 10); });
  settle();
  shutdown(pair.b, SHUT_RD);
  reader.join();
  FACT(seen, Succeeds(0));
}

CONFORMANCE(UnixPair, AShutdownIsFirstNewsOfItsOwnEnd) {
  UnixPair pair;
  Fd set(epoll_create1(0));
  epoll_event event{0, {}};
  event.data.u32 = 1;
  epoll_ctl(set, EPOLL_CTL_ADD, pair.a, &event);
  event.data.u32 = 2;
  epoll_ctl(set, EPOLL_CTL_ADD, pair.b, &event);
  shutdown(pair.a, SHUT_RDWR);
  FACT(epoll_wait(set, &event, 1, 0), Succeeds(1));
  FACT(event.data.u32, Succeeds(1));
}

CONFORMANCE(UnixPair, ToGiveUpAPeerIsAnEdge) {
  int pair[2];
  FACT(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), Succeeds(0));
  Fd socket(pair[0]), peer(pair[1]), set(epoll_create1(0));
  epoll_event event{EPOLLOUT | EPOLLET, {}};
  epoll_ctl(set, EPOLL_CTL_ADD, socket, &event);
  FACT(epoll_wait(set, &event, 1, 0), Succeeds(1));
  FACT(epoll_wait(set, &event, 1, 0), Succeeds(0));
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  FACT(connect(socket, &nobody, sizeof nobody), Succeeds(0));
  FACT(epoll_wait(set, &event, 1, 0), Succeeds(1));
  FACT(connect(socket, &nobody, sizeof nobody), Succeeds(0));  // there is none any more
  FACT(epoll_wait(set, &event, 1, 0), Succeeds(0));
  FACT(write(socket, "x", 1), FailsWith(ENOTCONN));
  FACT(epoll_wait(set, &event, 1, 0), Succeeds(1));
  const char name[] = "\1\0\0nobody";  // AF_UNIX, in the abstract name space
  FACT(sendto(socket, "x", 1, 0, reinterpret_cast<const sockaddr*>(name), sizeof name - 1),
       FailsWith(ECONNREFUSED));
  FACT(epoll_wait(set, &event, 1, 0), Succeeds(1));
}

CONFORMANCE(UnixPair, ARefusedDatagramIsAnEdge) {
  int pair[2];
  FACT(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), Succeeds(0));
  Fd socket(pair[0]), set(epoll_create1(0));
  epoll_event event{EPOLLOUT | EPOLLET, {}};
  epoll_ctl(set, EPOLL_CTL_ADD, socket, &event);
  close(pair[1]);
  FACT(epoll_wait(set, &event, 1, 0), Succeeds(1));
  FACT(epoll_wait(set, &event, 1, 0), Succeeds(0));
  FACT(write(socket, "x", 1), FailsWith(ECONNREFUSED));
  FACT(epoll_wait(set, &event, 1, 0), Succeeds(1));  // the message is freed: room
  FACT(epoll_wait(set, &event, 1, 0), Succeeds(0));
}

}  // namespace
}  // namespace conformance

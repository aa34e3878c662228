// SPDX-License-Identifier: MIT
//
// Unix datagrams and sequenced packets.
// unix(7); in the kernel unix_dgram_sendmsg, unix_dgram_recvmsg, unix_dgram_poll,
// unix_dgram_connect, unix_seqpacket_recvmsg, unix_release_sock.
#include <sys/ioctl.h>

#include <thread>

#include "unix_toolbox.h"

namespace conformance {
namespace {

constexpr int kBoth[] = {SOCK_DGRAM, SOCK_SEQPACKET};

CONFORMANCE(UnixPacket, PairsKeepTheEndsOfMessages) {
  for (int type : kBoth) {
    UnixPair pair(type);
    FACT(ready(pair.a), Mask("OUT"));
    FACT(transmit(pair.a, 10), Succeeds(10));
    FACT(transmit(pair.a, 20), Succeeds(20));
    FACT(ready(pair.b), Mask("IN|OUT"));
    FACT(receive(pair.b, 4), Succeeds(4));
    FACT(receive(pair.b, 100), Succeeds(20));
    FACT(receive(pair.b, 100), FailsWith(EAGAIN));
    FACT(get_option(pair.a, SOL_SOCKET, SO_TYPE), Succeeds(type));
    FACT(listen(pair.a, 1), FailsWith(type == SOCK_DGRAM ? EOPNOTSUPP : EINVAL));
  }
}

CONFORMANCE(UnixPacket, PeekTruncateCount) {
  for (int type : kBoth) {
    UnixPair pair(type);
    transmit(pair.a, 10);
    transmit(pair.a, 7);
    FACT(receive(pair.b, 4, MSG_PEEK), Succeeds(4));
    FACT(bytes_queued(pair.b), Succeeds(type == SOCK_DGRAM ? 10 : 17));
    FACT(receive(pair.b, 4, MSG_TRUNC), Succeeds(10));
    FACT(receive(pair.b, 100), Succeeds(7));
    FACT(bytes_queued(pair.b), Succeeds(0));
  }
}

CONFORMANCE(UnixPacket, NothingIsAMessageToo) {
  for (int type : kBoth) {
    UnixPair pair(type);
    FACT(transmit(pair.a, 0), Succeeds(0));
    FACT(ready(pair.b), Mask("IN|OUT"));
    FACT(receive(pair.b, 10), Succeeds(0));
    FACT(receive(pair.b, 10), FailsWith(EAGAIN));
  }
}

CONFORMANCE(UnixPacket, BadBufferCostsTheMessage) {
  for (int type : kBoth) {
    UnixPair pair(type);
    transmit(pair.a, 6);
    FACT(recv(pair.b, reinterpret_cast<char*>(8), 4, 0), FailsWith(EFAULT));
    FACT(receive(pair.b, 4), FailsWith(EAGAIN));
    FACT(send(pair.a, reinterpret_cast<char*>(8), 4, 0), FailsWith(EFAULT));
  }
}

CONFORMANCE(UnixPacket, SizeIsBoundedByTheSendBuffer) {
  for (int type : kBoth) {
    UnixPair pair(type);
    int room = get_option(pair.a, SOL_SOCKET, SO_SNDBUF);
    FACT(transmit(pair.a, static_cast<size_t>(room) - 31), FailsWith(EMSGSIZE));
    FACT(transmit(pair.a, static_cast<size_t>(room) - 32), Succeeds(room - 32));
  }
}

CONFORMANCE(UnixPacket, FullThenDrained) {
  for (int type : kBoth) {
    UnixPair pair(type);
    Epoll epoll;
    epoll.add(pair.a, EPOLLOUT | EPOLLET);
    int sent = 0;
    while (transmit(pair.a, 1) == 1) sent++;
    FACT(sent > 20, Holds());
    FACT(transmit(pair.a, 1), FailsWith(EAGAIN));
    FACT(ready(pair.a), Mask("0"));
    FACT(epoll.wait(), NoEvents());
    int received = 0;
    while (receive(pair.b, 10) == 1) received++;
    FACT(received == sent, Holds());
    FACT(epoll.wait(), Events("OUT"));
    FACT(ready(pair.a), Mask("OUT"));
  }
}

CONFORMANCE(UnixPacket, EachArrivalIsAnEdge) {
  for (int type : kBoth) {
    UnixPair pair(type);
    Epoll epoll;
    epoll.add(pair.b, EPOLLIN | EPOLLET);
    transmit(pair.a, 1);
    FACT(epoll.wait(), Events("IN"));
    transmit(pair.a, 1);
    FACT(epoll.wait(), Events("IN"));
    receive(pair.b, 10);
    FACT(epoll.wait(), NoEvents());
  }
}

CONFORMANCE(UnixPacket, BlockedReceive) {
  for (int type : kBoth) {
    UnixPair pair(type);
    fcntl(pair.b, F_SETFL, 0);
    ssize_t seen = -7;
    std::thread reader([&] { seen = receive(pair.b, 10); });
    settle();
    transmit(pair.a, 2);
    reader.join();
    FACT(seen, Succeeds(2));
  }
}

CONFORMANCE(UnixPacket, BlockedSend) {
  for (int type : kBoth) {
    UnixPair pair(type);
    while (transmit(pair.a, 1) == 1) continue;
    fcntl(pair.a, F_SETFL, 0);
    ssize_t seen = -7;
    std::thread writer([&] { seen = transmit(pair.a, 5); });
    settle();
    while (receive(pair.b, 10) == 1) continue;
    writer.join();
    FACT(seen, Succeeds(5));
  }
}

// --- Ends.

CONFORMANCE(UnixPacket, PacketsEndWhenThePeerCloses) {
  UnixPair pair(SOCK_SEQPACKET);
  transmit(pair.a, 10);
  pair.a.close();
  FACT(ready(pair.b), Mask("IN|OUT|RDHUP|HUP"));
  FACT(receive(pair.b, 100), Succeeds(10));
  FACT(receive(pair.b, 100), Succeeds(0));
  FACT(transmit(pair.b, 1), FailsWith(EPIPE));
}

CONFORMANCE(UnixPacket, PacketsThatThePeerDidNotReadAreAReset) {
  UnixPair pair(SOCK_SEQPACKET);
  transmit(pair.a, 3);
  transmit(pair.b, 3);
  pair.a.close();
  FACT(ready(pair.b), Mask("IN|OUT|RDHUP|HUP|ERR"));
  FACT(receive(pair.b, 10), FailsWith(ECONNRESET));  // before the queue, unlike on a stream
  FACT(receive(pair.b, 10), Succeeds(3));
  FACT(receive(pair.b, 10), Succeeds(0));
}

CONFORMANCE(UnixPacket, DatagramsDoNotEnd) {
  UnixPair pair(SOCK_DGRAM);
  transmit(pair.a, 3);
  pair.a.close();
  FACT(ready(pair.b), Mask("IN|OUT"));
  FACT(receive(pair.b, 10), Succeeds(3));
  FACT(receive(pair.b, 10), FailsWith(EAGAIN));
  FACT(transmit(pair.b, 1), FailsWith(ECONNREFUSED));  // once; then it has no peer any more
  FACT(transmit(pair.b, 1), FailsWith(ENOTCONN));
  FACT(ready(pair.b), Mask("OUT"));
}

CONFORMANCE(UnixPacket, ShutdownOfPackets) {
  UnixPair pair(SOCK_SEQPACKET);
  FACT(shutdown(pair.a, SHUT_WR), Succeeds(0));
  FACT(ready(pair.a), Mask("OUT"));
  FACT(ready(pair.b), Mask("IN|OUT|RDHUP"));
  FACT(receive(pair.b, 1), Succeeds(0));
  FACT(transmit(pair.a, 1), FailsWith(EPIPE));
  FACT(transmit(pair.b, 2), Succeeds(2));
  FACT(shutdown(pair.a, SHUT_RD), Succeeds(0));
  FACT(ready(pair.b), Mask("IN|OUT|RDHUP|HUP"));
  FACT(transmit(pair.b, 1), FailsWith(EPIPE));
  FACT(receive(pair.a, 10), Succeeds(2));
  FACT(receive(pair.a, 10), Succeeds(0));
}

CONFORMANCE(UnixPacket, ShutdownOfDatagramsIsOneSided) {
  UnixPair pair(SOCK_DGRAM);
  FACT(shutdown(pair.a, SHUT_WR), Succeeds(0));
  FACT(ready(pair.b), Mask("OUT"));
  FACT(transmit(pair.a, 1), FailsWith(EPIPE));
  FACT(transmit(pair.b, 2), Succeeds(2));
  FACT(shutdown(pair.a, SHUT_RD), Succeeds(0));
  FACT(ready(pair.a), Mask("IN|OUT|RDHUP|HUP"));
  FACT(transmit(pair.b, 1), FailsWith(EPIPE));
  FACT(receive(pair.a, 10), Succeeds(2));
  FACT(receive(pair.a, 10), FailsWith(EAGAIN));
  fcntl(pair.a, F_SETFL, 0);
  FACT(receive(pair.a, 10), Succeeds(0));
}

// --- Datagrams by name.

struct Mailbox {
  explicit Mailbox(const char* tail) : name(abstract_name(tail)), fd(unix_socket(SOCK_DGRAM)) {
    must(bind_to(fd, name), "bind");
  }
  operator int() const { return fd; }
  std::string name;
  Fd fd;
};

CONFORMANCE(UnixDatagram, SentByName) {
  Mailbox box("box");
  Fd sender = unix_socket(SOCK_DGRAM);
  FACT(send_to(sender, abstract_name("nobody"), 1), FailsWith(ECONNREFUSED));
  FACT(send_to(sender, box.name, 3), Succeeds(3));
  sockaddr_un from{};
  socklen_t size = sizeof from;
  char bytes[10];
  auto* address = reinterpret_cast<sockaddr*>(&from);
  FACT(recvfrom(box, bytes, 10, 0, address, &size), Succeeds(3));
  FACT(size, Succeeds(0));  // the sender has no name
  FACT(bind_to(sender, ""), Succeeds(0));
  send_to(sender, box.name, 4);
  size = sizeof from;
  FACT(recvfrom(box, bytes, 10, 0, address, &size), Succeeds(4));
  FACT(sendto(box, bytes, 2, 0, address, size), Succeeds(2));
  FACT(receive(sender, 10), Succeeds(2));
}

CONFORMANCE(UnixDatagram, QueueIsBounded) {
  // net.unix.max_dgram_qlen: whoever is not connected back finds a full queue.
  Mailbox box("full");
  Fd a = unix_socket(SOCK_DGRAM), b = unix_socket(SOCK_DGRAM);
  connect_to(a, box.name);
  int sent = 0;
  while (transmit(a, 1) == 1) sent++;
  FACT(sent > 5 && sent < 250, Holds());
  FACT(transmit(a, 1), FailsWith(EAGAIN));
  FACT(ready(a), Mask("0"));
  FACT(send_to(b, box.name, 1), FailsWith(EAGAIN));
  FACT(ready(b), Mask("OUT"));  // it has no peer, so poll can not know
  Epoll epoll;
  epoll.add(a, EPOLLOUT | EPOLLET);
  FACT(epoll.wait(), NoEvents());
  receive(box, 1);
  FACT(epoll.wait(), Events("OUT"));
  FACT(transmit(a, 1), Succeeds(1));
}

CONFORMANCE(UnixDatagram, FullQueueBlocks) {
  for (bool connected : {true, false}) {
    Mailbox box("slow");
    Fd filler = unix_socket(SOCK_DGRAM), sender = unix_socket(SOCK_DGRAM, 0);
    while (send_to(filler, box.name, 1) == 1) continue;
    if (connected) connect_to(sender, box.name);
    ssize_t seen = -7;
    std::thread writer(
        [&] { seen = connected ? transmit(sender, 5) : send_to(sender, box.name, 5); });
    settle();
    receive(box, 1);
    writer.join();
    FACT(seen, Succeeds(5));
  }
}

CONFORMANCE(UnixDatagram, ClosingEndsABlockedSend) {
  Mailbox box("gone");
  Fd sender = unix_socket(SOCK_DGRAM);
  connect_to(sender, box.name);
  while (transmit(sender, 1) == 1) continue;
  fcntl(sender, F_SETFL, 0);
  ssize_t seen = 0;
  int error = 0;
  std::thread writer([&] {
    seen = transmit(sender, 5);
    error = errno;
  });
  settle();
  box.fd.close();
  writer.join();
  FACT(seen == -1 && error == ECONNREFUSED, Holds());
}

CONFORMANCE(UnixDatagram, TakenOnesRefuseOthers) {
  Mailbox a("taken"), b("taker");
  Fd stranger = unix_socket(SOCK_DGRAM);
  FACT(connect_to(b, a.name), Succeeds(0));
  FACT(connect_to(a, b.name), Succeeds(0));
  FACT(send_to(stranger, a.name, 1), FailsWith(EPERM));
  FACT(connect_to(stranger, a.name), FailsWith(EPERM));
  FACT(transmit(b, 1), Succeeds(1));
  FACT(receive(a, 10), Succeeds(1));
  FACT(peer_name(a) == b.name, Holds());
}

CONFORMANCE(UnixDatagram, LettingGo) {
  Mailbox a("free"), b("freed");
  connect_to(b, a.name);
  connect_to(a, b.name);
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  FACT(connect(a, &nobody, sizeof nobody), Succeeds(0));
  FACT(transmit(a, 1), FailsWith(ENOTCONN));
  FACT(ready(b), Mask("OUT"));
  FACT(transmit(b, 1), Succeeds(1));
}

CONFORMANCE(UnixDatagram, LettingGoWithMessagesUnreadIsAReset) {
  // unix_dgram_disconnected: they are thrown away, and the former peer is told.
  Mailbox a("drop"), b("dropped");
  connect_to(b, a.name);
  connect_to(a, b.name);
  transmit(b, 1);
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  FACT(connect(a, &nobody, sizeof nobody), Succeeds(0));
  FACT(receive(a, 1), FailsWith(EAGAIN));
  FACT(ready(b), Mask("OUT|ERR"));
  FACT(transmit(b, 1), FailsWith(ECONNRESET));
  FACT(transmit(b, 1), Succeeds(1));
}

CONFORMANCE(UnixDatagram, ReceiverGone) {
  Fd sender = unix_socket(SOCK_DGRAM);
  std::string name;
  {
    Mailbox box("left");
    name = box.name;
    connect_to(sender, name);
    transmit(sender, 1);
  }
  FACT(ready(sender), Mask("OUT"));
  FACT(peer_name(sender) == name, Holds());
  FACT(transmit(sender, 1), FailsWith(ECONNREFUSED));
  FACT(transmit(sender, 1), FailsWith(ENOTCONN));
  FACT(connect_to(sender, name), FailsWith(ECONNREFUSED));
}

CONFORMANCE(UnixDatagram, ToItself) {
  Mailbox box("self");
  FACT(connect_to(box, box.name), Succeeds(0));
  FACT(transmit(box, 3), Succeeds(3));
  FACT(receive(box, 10), Succeeds(3));
}

CONFORMANCE(UnixPacket, NameOfTheReceiverIsIgnored) {
  UnixPair pair(SOCK_SEQPACKET);
  FACT(send_to(pair.a, abstract_name("whoever"), 2), Succeeds(2));
  FACT(receive(pair.b, 10), Succeeds(2));
}

}  // namespace
}  // namespace conformance

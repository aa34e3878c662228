// SPDX-License-Identifier: MIT
//
// Whom datagrams are for and from: addresses, ports, names in messages, batches.
// udp(7), ip(7), connect(2), recvmmsg(2); in the kernel udp_sendmsg, inet_dgram_connect,
// __ip4_datagram_connect, __udp_disconnect, udp_lib_get_port, do_recvmmsg.
#include <sys/uio.h>

#include <cstring>
#include <vector>

#include "toolbox.h"

namespace conformance {
namespace {

int dissolve(int fd) {
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  return connect(fd, &nobody, sizeof nobody);
}

bool bound_to(int fd, uint32_t ip, uint16_t port) {
  Address address;
  socklen_t size = Address::kSize;
  must(getsockname(fd, address.get(), &size), "getsockname");
  return ntohl(address.in.sin_addr.s_addr) == ip && ntohs(address.in.sin_port) == port;
}

int peer_of(int fd) {
  Address address;
  socklen_t size = Address::kSize;
  return getpeername(fd, address.get(), &size);
}

CONFORMANCE(UdpName, BindChecks) {
  Fd udp = udp_socket();
  Address address = loopback(0);
  FACT(bind(udp, address.get(), 8), FailsWith(EINVAL));
  address.in.sin_family = AF_INET6;
  FACT(bind(udp, address.get(), Address::kSize), FailsWith(EAFNOSUPPORT));
  address = loopback(0);
  address.in.sin_addr.s_addr = htonl(0x01010101);
  FACT(bind(udp, address.get(), Address::kSize), FailsWith(EADDRNOTAVAIL));
  FACT(bind_to(udp, 0), Succeeds(0));
  FACT(bind_to(udp, 0), FailsWith(EINVAL));
  FACT(local_port(udp) >= 1024, Holds());
}

CONFORMANCE(UdpName, OnePortOneSocket) {
  Fd a = udp_socket(), b = udp_socket();
  bind_to(a, 0);
  FACT(bind_to(b, local_port(a)), FailsWith(EADDRINUSE));
  FACT(set_option(b, SOL_SOCKET, SO_REUSEADDR, 1), Succeeds(0));
  FACT(bind_to(b, local_port(a)), FailsWith(EADDRINUSE));
  FACT(set_option(a, SOL_SOCKET, SO_REUSEADDR, 1), Succeeds(0));
  FACT(bind_to(b, local_port(a)), Succeeds(0));
}

CONFORMANCE(UdpName, AnyAddressConflictsWithEach) {
  Fd a = udp_socket(), b = udp_socket();
  Address any = any_address(0);
  FACT(bind(a, any.get(), Address::kSize), Succeeds(0));
  FACT(bind_to(b, local_port(a)), FailsWith(EADDRINUSE));
}

CONFORMANCE(UdpName, OtherProtocolsHaveOtherPorts) {
  Listener listener;
  Fd udp = udp_socket();
  FACT(bind_to(udp, listener.port), Succeeds(0));
}

CONFORMANCE(UdpName, LastBoundOfSharersHears) {
  Fd a = udp_socket(), b = udp_socket(), sender = udp_socket();
  set_option(a, SOL_SOCKET, SO_REUSEADDR, 1);
  set_option(b, SOL_SOCKET, SO_REUSEADDR, 1);
  bind_to(a, 0);
  bind_to(b, local_port(a));
  send_to(sender, local_port(a), 1);
  settle();
  FACT(receive(a, 1), FailsWith(EAGAIN));
  FACT(receive(b, 1), Succeeds(1));
}

CONFORMANCE(UdpName, ReusePortGroupSharesOut) {
  // One of them hears a given sender, always the same one.
  Fd a = udp_socket(), b = udp_socket(), sender = udp_socket();
  set_option(a, SOL_SOCKET, SO_REUSEPORT, 1);
  set_option(b, SOL_SOCKET, SO_REUSEPORT, 1);
  bind_to(a, 0);
  FACT(bind_to(b, local_port(a)), Succeeds(0));
  bind_to(sender, 0);
  for (int i = 0; i < 4; i++) send_to(sender, local_port(a), 1);
  settle();
  size_t in_a = drain(a), in_b = drain(b);
  FACT((in_a == 4 && in_b == 0) || (in_a == 0 && in_b == 4), Holds());
}

CONFORMANCE(UdpName, VeryAddressBeatsAny) {
  Fd any = udp_socket(), very = udp_socket(), sender = udp_socket();
  set_option(any, SOL_SOCKET, SO_REUSEADDR, 1);
  set_option(very, SOL_SOCKET, SO_REUSEADDR, 1);
  bind_to(very, 0);
  Address address = any_address(local_port(very));
  bind(any, address.get(), Address::kSize);
  send_to(sender, local_port(very), 1);
  settle();
  FACT(receive(any, 1), FailsWith(EAGAIN));
  FACT(receive(very, 1), Succeeds(1));
}

CONFORMANCE(UdpName, FirstSendTakesAPort) {
  Fd udp = udp_socket(), other = udp_socket();
  bind_to(other, 0);
  FACT(bound_to(udp, INADDR_ANY, 0), Holds());
  send_to(udp, local_port(other), 1);
  uint16_t port = local_port(udp);
  FACT(port != 0 && bound_to(udp, INADDR_ANY, port), Holds());
  FACT(bind_to(udp, 0), FailsWith(EINVAL));
}

CONFORMANCE(UdpName, ConnectTakesPortAndAddress) {
  Fd udp = udp_socket(), other = udp_socket();
  bind_to(other, 0);
  FACT(peer_of(udp), FailsWith(ENOTCONN));
  FACT(connect_to(udp, local_port(other)), Succeeds(0));
  FACT(bound_to(udp, INADDR_LOOPBACK, local_port(udp)), Holds());
  FACT(peer_port(udp) == local_port(other), Holds());
  FACT(bind_to(udp, 0), FailsWith(EINVAL));
}

CONFORMANCE(UdpName, ConnectAgainMeansAnotherPeer) {
  UdpPair pair(true);
  Fd third = udp_socket();
  bind_to(third, 0);
  FACT(connect_to(pair.a, local_port(third)), Succeeds(0));
  FACT(peer_port(pair.a) == local_port(third), Holds());
  FACT(transmit(pair.a, 2), Succeeds(2));
  settle();
  FACT(receive(third, 10), Succeeds(2));
}

CONFORMANCE(UdpName, ConnectChecks) {
  Fd udp = udp_socket();
  Address address = loopback(9);
  FACT(connect(udp, address.get(), 1), FailsWith(EINVAL));
  FACT(connect(udp, address.get(), 8), FailsWith(EINVAL));
  address.in.sin_family = AF_INET6;
  FACT(connect(udp, address.get(), Address::kSize), FailsWith(EAFNOSUPPORT));
  FACT(connect_to(udp, 0), Succeeds(0));
  FACT(peer_of(udp), FailsWith(ENOTCONN));  // inet_getname: no port, no peer
  Address any = any_address(9);
  FACT(connect(udp, any.get(), Address::kSize), Succeeds(0));
  FACT(peer_port(udp), Succeeds(9));
}

CONFORMANCE(UdpName, DissolvedForgetsWhatWasNotAskedFor) {
  Fd udp = udp_socket();
  connect_to(udp, 9);
  FACT(dissolve(udp), Succeeds(0));
  FACT(bound_to(udp, INADDR_ANY, 0), Holds());
  FACT(peer_of(udp), FailsWith(ENOTCONN));
  FACT(transmit(udp, 1), FailsWith(EDESTADDRREQ));
  FACT(dissolve(udp), Succeeds(0));
}

CONFORMANCE(UdpName, DissolvedKeepsWhatWasBound) {
  uint16_t port = free_udp_port();
  Fd udp = udp_socket();
  Address any = any_address(port);
  FACT(bind(udp, any.get(), Address::kSize), Succeeds(0));
  FACT(connect_to(udp, 9), Succeeds(0));
  FACT(bound_to(udp, INADDR_LOOPBACK, port), Holds());
  FACT(dissolve(udp), Succeeds(0));
  FACT(bound_to(udp, INADDR_ANY, port), Holds());
}

CONFORMANCE(UdpName, DissolvedHearsEverybodyAgain) {
  UdpPair pair;
  connect_to(pair.b, 9);
  pair.send_to_b(1);
  settle();
  FACT(receive(pair.b, 10), FailsWith(EAGAIN));
  uint16_t port = local_port(pair.b);
  dissolve(pair.b);
  // Its port came from the ephemeral range, so it is given back.
  FACT(bound_to(pair.b, INADDR_LOOPBACK, 0), Holds());
  FACT(bind_to(pair.b, port), Succeeds(0));
  send_to(pair.a, port, 2);
  settle();
  FACT(receive(pair.b, 10), Succeeds(2));
}

CONFORMANCE(UdpName, SendToChecks) {
  Fd udp = udp_socket();
  Address address = loopback(9);
  auto send_it = [&](socklen_t size) { return sendto(udp, "x", 1, 0, address.get(), size); };
  FACT(send_it(8), FailsWith(EINVAL));
  FACT(send_it(static_cast<socklen_t>(-1)), FailsWith(EINVAL));
  FACT(send_it(0), FailsWith(EINVAL));  // a name of nothing is a name
  FACT(send_it(Address::kSize), Succeeds(1));
  address.in.sin_port = 0;
  FACT(send_it(Address::kSize), FailsWith(EINVAL));
  address = loopback(9);
  address.in.sin_family = AF_INET6;
  FACT(send_it(Address::kSize), FailsWith(EAFNOSUPPORT));
  address.in.sin_family = AF_UNSPEC;  // passes for AF_INET
  FACT(send_it(Address::kSize), Succeeds(1));
  address = any_address(9);  // means this host
  FACT(send_it(Address::kSize), Succeeds(1));
  address.in.sin_addr.s_addr = htonl(INADDR_BROADCAST);
  FACT(send_it(Address::kSize), FailsWith(EACCES));
}

CONFORMANCE(UdpName, SenderIsNamed) {
  UdpPair pair;
  pair.send_to_b(5);
  pair.send_to_b(6);
  settle();
  char bytes[10];
  Address from;
  socklen_t size = Address::kSize;
  FACT(recvfrom(pair.b, bytes, 10, 0, from.get(), &size), Succeeds(5));
  FACT(size, Succeeds(Address::kSize));
  FACT(ntohs(from.in.sin_port) == local_port(pair.a), Holds());
  FACT(ntohl(from.in.sin_addr.s_addr) == INADDR_LOOPBACK, Holds());
  size = 4;  // what fits is copied, and the length is the whole one
  FACT(recvfrom(pair.b, bytes, 10, 0, from.get(), &size), Succeeds(6));
  FACT(size, Succeeds(Address::kSize));
}

CONFORMANCE(UdpName, NegativeRoomForTheName) {
  UdpPair pair;
  pair.send_to_b(5);
  settle();
  char bytes[10];
  Address from;
  auto size = static_cast<socklen_t>(-1);
  FACT(recvfrom(pair.b, bytes, 10, 0, from.get(), &size), FailsWith(EINVAL));
  FACT(receive(pair.b, 10), FailsWith(EAGAIN));  // and it is gone
}

CONFORMANCE(UdpName, MessagesTellTruncation) {
  UdpPair pair;
  pair.send_to_b(10);
  pair.send_to_b(3);
  settle();
  char bytes[4];
  iovec piece{bytes, sizeof bytes};
  Address from;
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_name = from.get();
  message.msg_namelen = 100;
  FACT(recvmsg(pair.b, &message, 0), Succeeds(4));
  FACT(message.msg_flags, Succeeds(MSG_TRUNC));
  FACT(message.msg_namelen, Succeeds(Address::kSize));
  FACT(ntohs(from.in.sin_port) == local_port(pair.a), Holds());
  message.msg_name = nullptr;
  message.msg_namelen = 7;
  FACT(recvmsg(pair.b, &message, 0), Succeeds(3));
  FACT(message.msg_flags, Succeeds(0));
  FACT(message.msg_namelen, Succeeds(7));
  message.msg_iovlen = 1025;
  FACT(recvmsg(pair.b, &message, 0), FailsWith(EMSGSIZE));
  message.msg_name = from.get();
  message.msg_namelen = static_cast<socklen_t>(-1);
  FACT(recvmsg(pair.b, &message, 0), FailsWith(EINVAL));
}

CONFORMANCE(UdpName, SendMessage) {
  UdpPair pair;
  Address to = loopback(local_port(pair.b));
  char bytes[] = "abcdef";
  iovec pieces[] = {{bytes, 2}, {bytes + 2, 4}};
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  FACT(sendmsg(pair.a, &message, 0), FailsWith(EDESTADDRREQ));
  message.msg_name = to.get();
  message.msg_namelen = 5;
  FACT(sendmsg(pair.a, &message, 0), FailsWith(EINVAL));
  message.msg_namelen = Address::kSize;
  FACT(sendmsg(pair.a, &message, 0), Succeeds(6));
  settle();
  FACT(receive(pair.b, 10), Succeeds(6));
}

// --- Several at once.

struct Batch {
  explicit Batch(size_t count) : bytes(count * 8), pieces(count), messages(count) {
    for (size_t i = 0; i < count; i++) {
      pieces[i] = {bytes.data() + i * 8, 8};
      messages[i].msg_hdr.msg_iov = &pieces[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
  }
  int send(int fd) { return sendmmsg(fd, messages.data(), count(), 0); }
  int receive(int fd, int flags = 0, timespec* limit = nullptr) {
    return recvmmsg(fd, messages.data(), count(), flags, limit);
  }
  unsigned count() const { return static_cast<unsigned>(messages.size()); }
  std::vector<char> bytes;
  std::vector<iovec> pieces;
  std::vector<mmsghdr> messages;
};

CONFORMANCE(UdpBatch, SentAndReceived) {
  UdpPair pair(true);
  Batch out(3), in(5);
  out.pieces[1].iov_len = 5;
  FACT(out.send(pair.a), Succeeds(3));
  FACT(out.messages[1].msg_len, Succeeds(5));
  settle();
  FACT(in.receive(pair.b), Succeeds(3));
  FACT(in.messages[0].msg_len, Succeeds(8));
  FACT(in.messages[1].msg_len, Succeeds(5));
  FACT(in.receive(pair.b), FailsWith(EAGAIN));
  FACT(Batch(0).receive(pair.b), Succeeds(0));
  FACT(Batch(0).send(pair.a), Succeeds(0));
}

CONFORMANCE(UdpBatch, EndsAtTheFirstFailure) {
  UdpPair pair(true);
  Batch out(3);
  out.pieces[1].iov_base = reinterpret_cast<char*>(8);
  FACT(out.send(pair.a), Succeeds(1));
  out.pieces[0].iov_base = reinterpret_cast<char*>(8);
  FACT(out.send(pair.a), FailsWith(EFAULT));
  settle();
  Batch in(3);
  FACT(in.receive(pair.b), Succeeds(1));
}

CONFORMANCE(UdpBatch, FailureOfReceiveIsKeptForTheNext) {
  UdpPair pair(true);
  Batch(3).send(pair.a);
  settle();
  Batch in(3);
  in.pieces[1].iov_base = reinterpret_cast<char*>(8);
  FACT(in.receive(pair.b), Succeeds(1));
  FACT(in.receive(pair.b), FailsWith(EFAULT));
  FACT(Batch(3).receive(pair.b), Succeeds(1));
}

CONFORMANCE(UdpBatch, WaitForOneOnly) {
  UdpPair pair(true);
  fcntl(pair.b, F_SETFL, 0);
  Batch(2).send(pair.a);
  settle();
  FACT(Batch(4).receive(pair.b, MSG_WAITFORONE), Succeeds(2));
}

CONFORMANCE(UdpBatch, TimeLimitIsLookedAtAfterEach) {
  UdpPair pair(true);
  fcntl(pair.b, F_SETFL, 0);
  Batch(2).send(pair.a);
  settle();
  timespec limit{0, 0};
  FACT(Batch(4).receive(pair.b, 0, &limit), Succeeds(1));
  timespec bad{0, 2'000'000'000};
  FACT(Batch(4).receive(pair.b, 0, &bad), FailsWith(EINVAL));
}

CONFORMANCE(UdpBatch, StreamsToo) {
  TcpPair pair;
  Batch out(2), in(2);
  FACT(out.send(pair.client), Succeeds(2));
  settle();
  FACT(in.receive(pair.server), Succeeds(2));
  FACT(in.receive(pair.server), FailsWith(EAGAIN));
}

}  // namespace
}  // namespace conformance

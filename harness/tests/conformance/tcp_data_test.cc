// SPDX-License-Identifier: MIT
//
// Bytes over TCP: flags of send and recv, what is queued, and the edge at which a full socket is
// writable again.
// recv(2), send(2), tcp(7), readv(2), recvmsg(2); in the kernel tcp_recvmsg_locked,
// tcp_sendmsg_locked, sk_stream_is_writeable, sk_stream_write_space, tcp_ioctl.
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <cstring>
#include <string>
#include <vector>

#include "toolbox.h"

namespace conformance {
namespace {

constexpr uint32_t kEdge = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

void make_blocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK); }

void set_timeout(int fd, int option, long milliseconds) {
  timeval value{milliseconds / 1000, milliseconds % 1000 * 1000};
  must(setsockopt(fd, SOL_SOCKET, option, &value, sizeof value), "timeout");
}

std::string receive_text(int fd, size_t count, int flags = 0) {
  std::string text(count, '\0');
  ssize_t got = recv(fd, text.data(), count, flags);
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return text;
}

// --- Reading.

CONFORMANCE(TcpData, ArrivesInOrder) {
  TcpPair pair;
  FACT(send(pair.client, "hello ", 6, 0), Succeeds(6));
  FACT(write(pair.client, "world", 5), Succeeds(5));
  settle();
  FACT(ready(pair.server), Mask("IN|OUT"));
  FACT(bytes_queued(pair.server), Succeeds(11));
  FACT(receive_text(pair.server, 4) == "hell", Holds());
  FACT(receive_text(pair.server, 100) == "o world", Holds());
  FACT(receive(pair.server, 1), FailsWith(EAGAIN));
  FACT(ready(pair.server), Mask("OUT"));
}

CONFORMANCE(TcpData, NothingThere) {
  TcpPair pair;
  char byte;
  FACT(read(pair.client, &byte, 1), FailsWith(EAGAIN));
  FACT(receive(pair.client, 1, MSG_PEEK), FailsWith(EAGAIN));
  FACT(receive(pair.client, 1, MSG_WAITALL), FailsWith(EAGAIN));
  FACT(bytes_queued(pair.client), Succeeds(0));
}

CONFORMANCE(TcpData, PeekLeavesTheBytes) {
  TcpPair pair;
  send(pair.client, "abcdef", 6, 0);
  settle();
  FACT(receive_text(pair.server, 3, MSG_PEEK) == "abc", Holds());
  FACT(receive_text(pair.server, 10, MSG_PEEK) == "abcdef", Holds());
  FACT(bytes_queued(pair.server), Succeeds(6));
  FACT(receive_text(pair.server, 10) == "abcdef", Holds());
  FACT(receive(pair.server, 1, MSG_PEEK), FailsWith(EAGAIN));
}

CONFORMANCE(TcpData, DontWaitOnABlockingSocket) {
  TcpPair pair;
  make_blocking(pair.server);
  FACT(receive(pair.server, 1, MSG_DONTWAIT), FailsWith(EAGAIN));
  transmit(pair.client, 4);
  settle();
  FACT(receive(pair.server, 100, MSG_DONTWAIT), Succeeds(4));
}

CONFORMANCE(TcpData, WaitAllWithoutWaiting) {
  TcpPair pair;
  transmit(pair.client, 4);
  settle();
  FACT(receive(pair.server, 100, MSG_WAITALL), Succeeds(4));
  make_blocking(pair.server);
  transmit(pair.client, 5);
  settle();
  FACT(receive(pair.server, 100, MSG_WAITALL | MSG_DONTWAIT), Succeeds(5));
}

CONFORMANCE(TcpData, WaitAllUpToTheEnd) {
  TcpPair pair;
  make_blocking(pair.server);
  transmit(pair.client, 4);
  shutdown(pair.client, SHUT_WR);
  FACT(receive(pair.server, 100, MSG_WAITALL), Succeeds(4));
  FACT(receive(pair.server, 100, MSG_WAITALL), Succeeds(0));
}

CONFORMANCE(TcpData, WaitAllWithATimeout) {
  TcpPair pair;
  make_blocking(pair.server);
  set_timeout(pair.server, SO_RCVTIMEO, 30);
  transmit(pair.client, 4);
  FACT(receive(pair.server, 100, MSG_WAITALL), Succeeds(4));
  FACT(receive(pair.server, 100), FailsWith(EAGAIN));
}

CONFORMANCE(TcpData, Truncate) {
  // tcp(7): MSG_TRUNC discards instead of copying.
  TcpPair pair;
  send(pair.client, "abcdef", 6, 0);
  settle();
  FACT(recv(pair.server, nullptr, 4, MSG_TRUNC), Succeeds(4));
  FACT(receive_text(pair.server, 10) == "ef", Holds());
}

CONFORMANCE(TcpData, LengthZero) {
  // sock_read_iter answers a read of nothing itself; a recv of nothing gets as far as TCP.
  TcpPair pair;
  char byte = 0;
  FACT(read(pair.client, &byte, 0), Succeeds(0));
  FACT(recv(pair.client, &byte, 0, 0), FailsWith(EAGAIN));
  FACT(send(pair.client, &byte, 0, 0), Succeeds(0));
  FACT(write(pair.client, &byte, 0), Succeeds(0));
  settle();
  FACT(ready(pair.server), Mask("OUT"));
}

CONFORMANCE(TcpData, BadBuffer) {
  TcpPair pair;
  char* nowhere = nullptr;
  FACT(recv(pair.server, nowhere, 4, 0), FailsWith(EAGAIN));
  transmit(pair.client, 4);
  settle();
  FACT(recv(pair.server, nowhere, 4, 0), FailsWith(EFAULT));
  FACT(receive(pair.server, 10), Succeeds(4));
  FACT(send(pair.client, nowhere, 4, 0), FailsWith(EFAULT));
}

CONFORMANCE(TcpData, AddressesAreIgnored) {
  TcpPair pair;
  Address elsewhere = loopback(1);
  FACT(sendto(pair.client, "x", 1, 0, elsewhere.get(), Address::kSize), Succeeds(1));
  settle();
  Address from;
  socklen_t size = Address::kSize;
  char byte;
  FACT(recvfrom(pair.server, &byte, 1, 0, from.get(), &size), Succeeds(1));
  FACT(size, Succeeds(0));
}

CONFORMANCE(TcpData, NoPositions) {
  TcpPair pair;
  char byte = 0;
  FACT(lseek(pair.client, 0, SEEK_SET), FailsWith(ESPIPE));
  FACT(pread(pair.client, &byte, 1, 0), FailsWith(ESPIPE));
  FACT(pwrite(pair.client, &byte, 1, 0), FailsWith(ESPIPE));
}

// --- Vectors.

CONFORMANCE(TcpData, Vectors) {
  TcpPair pair;
  char a[] = "abc", b[] = "de";
  iovec out[] = {{a, 3}, {nullptr, 0}, {b, 2}};
  FACT(writev(pair.client, out, 3), Succeeds(5));
  settle();
  char first[2] = {}, second[10] = {};
  iovec in[] = {{first, 2}, {second, 10}};
  FACT(readv(pair.server, in, 2), Succeeds(5));
  FACT(memcmp(first, "ab", 2) == 0, Holds());
  FACT(memcmp(second, "cde", 3) == 0, Holds());
  FACT(readv(pair.server, in, 2), FailsWith(EAGAIN));
}

CONFORMANCE(TcpData, VectorCounts) {
  TcpPair pair;
  char byte = 0;
  std::vector<iovec> many(1025, iovec{&byte, 0});
  FACT(writev(pair.client, many.data(), 0), Succeeds(0));
  volatile int negative = -1;  // the compiler knows better than to let it be a constant
  FACT(writev(pair.client, many.data(), negative), FailsWith(EINVAL));
  FACT(writev(pair.client, many.data(), 1025), FailsWith(EINVAL));
  FACT(writev(pair.client, many.data(), 1024), Succeeds(0));
  FACT(readv(pair.client, many.data(), 1025), FailsWith(EINVAL));
  msghdr message{};
  message.msg_iov = many.data();
  message.msg_iovlen = 1025;
  FACT(sendmsg(pair.client, &message, 0), FailsWith(EMSGSIZE));
  FACT(recvmsg(pair.client, &message, 0), FailsWith(EMSGSIZE));
}

CONFORMANCE(TcpData, Messages) {
  TcpPair pair;
  char text[] = "message";
  iovec part{text, 7};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  FACT(sendmsg(pair.client, &message, MSG_NOSIGNAL), Succeeds(7));
  settle();
  char got[20] = {};
  part = {got, sizeof got};
  FACT(recvmsg(pair.server, &message, MSG_PEEK), Succeeds(7));
  FACT(recvmsg(pair.server, &message, 0), Succeeds(7));
  FACT(memcmp(got, "message", 7) == 0, Holds());
  FACT(message.msg_flags, Succeeds(0));
  FACT(message.msg_controllen, Succeeds(0));
  FACT(recvmsg(pair.server, &message, 0), FailsWith(EAGAIN));
}

// --- Writing until nothing fits.

CONFORMANCE(TcpData, FullSocket) {
  TcpPair pair;
  size_t sent = fill_up(pair.client);
  FACT(sent > 0, Holds());
  FACT(ready(pair.client), Mask("0"));
  FACT(transmit(pair.client, 1), FailsWith(EAGAIN));
  FACT(ready(pair.server), Mask("IN|OUT"));
  size_t got = 0;
  while (got < sent && becomes(pair.server, POLLIN)) got += drain(pair.server);
  settle();
  FACT(got == sent, Holds());
  FACT(ready(pair.client), Mask("OUT"));
  FACT(ready(pair.server), Mask("OUT"));
}

CONFORMANCE(TcpData, OneSendMayBePartial) {
  TcpPair pair;
  const size_t huge = 64 << 20;
  std::vector<char> bytes(huge);
  ssize_t put = send(pair.client, bytes.data(), huge, 0);
  FACT(put > 0 && put < static_cast<ssize_t>(huge), Holds());
  FACT(ready(pair.client, POLLRDHUP), Mask("0"));
}

CONFORMANCE(TcpData, WritableAgainIsAnEdge) {
  TcpPair pair;
  Epoll epoll;
  epoll.add(pair.client, kEdge);
  FACT(epoll.wait(), Events("OUT"));
  size_t sent = fill_up(pair.client);
  epoll.wait();  // room that came and went while it was filled
  FACT(epoll.wait(), NoEvents());
  size_t got = 0;
  while (got < sent && becomes(pair.server, POLLIN)) got += drain(pair.server);
  settle();
  FACT(epoll.wait(), Events("OUT"));
}

CONFORMANCE(TcpData, FewBytesReadAreNoRoom) {
  // sk_stream_is_writeable: a third of the buffer has to be free.
  TcpPair pair;
  Epoll epoll;
  epoll.add(pair.client, kEdge);
  fill_up(pair.client);
  epoll.wait();
  FACT(receive(pair.server, 100), Succeeds(100));
  settle();
  FACT(ready(pair.client), Mask("0"));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(TcpData, NoWriteEdgeWhenItWasNeverFull) {
  // sk_stream_write_space wakes only under SOCK_NOSPACE, which a failed write or poll sets.
  TcpPair pair;
  Epoll epoll;
  epoll.add(pair.client, kEdge);
  epoll.wait();
  transmit(pair.client, 1000);
  settle();
  FACT(receive(pair.server, 1000), Succeeds(1000));
  settle();
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(TcpData, BlockingSendWithATimeout) {
  TcpPair pair;
  fill_up(pair.client);
  make_blocking(pair.client);
  set_timeout(pair.client, SO_SNDTIMEO, 30);
  int64_t before = now_ns(CLOCK_MONOTONIC);
  FACT(transmit(pair.client, 1), FailsWith(EAGAIN));
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 30'000'000, Holds());
}

CONFORMANCE(TcpData, BlockingReceiveWithATimeout) {
  TcpPair pair;
  make_blocking(pair.client);
  set_timeout(pair.client, SO_RCVTIMEO, 30);
  int64_t before = now_ns(CLOCK_MONOTONIC);
  FACT(receive(pair.client, 1), FailsWith(EAGAIN));
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 30'000'000, Holds());
}

// --- Options.

CONFORMANCE(TcpData, BufferSizesReadBackDoubled) {
  // socket(7): the kernel doubles the value; the floors are SOCK_MIN_SNDBUF and SOCK_MIN_RCVBUF.
  Fd fd = tcp_socket();
  FACT(set_option(fd, SOL_SOCKET, SO_SNDBUF, 30000), Succeeds(0));
  FACT(get_option(fd, SOL_SOCKET, SO_SNDBUF), Succeeds(60000));
  FACT(set_option(fd, SOL_SOCKET, SO_RCVBUF, 20000), Succeeds(0));
  FACT(get_option(fd, SOL_SOCKET, SO_RCVBUF), Succeeds(40000));
  FACT(set_option(fd, SOL_SOCKET, SO_SNDBUF, 1), Succeeds(0));
  FACT(get_option(fd, SOL_SOCKET, SO_SNDBUF), Succeeds(4608));
  FACT(set_option(fd, SOL_SOCKET, SO_RCVBUF, 1), Succeeds(0));
  FACT(get_option(fd, SOL_SOCKET, SO_RCVBUF), Succeeds(2304));
}

CONFORMANCE(TcpData, OptionsThatAreAskedFor) {
  Fd fd = tcp_socket();
  FACT(get_option(fd, SOL_SOCKET, SO_TYPE), Succeeds(SOCK_STREAM));
  FACT(get_option(fd, SOL_SOCKET, SO_DOMAIN), Succeeds(AF_INET));
  FACT(get_option(fd, SOL_SOCKET, SO_PROTOCOL), Succeeds(IPPROTO_TCP));
  FACT(get_option(fd, SOL_SOCKET, SO_REUSEADDR), Succeeds(0));
  FACT(set_option(fd, SOL_SOCKET, SO_REUSEADDR, 5), Succeeds(0));
  FACT(get_option(fd, SOL_SOCKET, SO_REUSEADDR), Succeeds(1));
  FACT(set_option(fd, SOL_SOCKET, SO_TYPE, 1), FailsWith(ENOPROTOOPT));
  FACT(set_option(-1, SOL_SOCKET, SO_REUSEADDR, 1), FailsWith(EBADF));
  Pipe pipe;
  FACT(set_option(pipe.reader, SOL_SOCKET, SO_REUSEADDR, 1), FailsWith(ENOTSOCK));
}

CONFORMANCE(TcpData, LowWaterMarkHoldsReadinessBack) {
  TcpPair pair;
  FACT(set_option(pair.server, SOL_SOCKET, SO_RCVLOWAT, 10), Succeeds(0));
  transmit(pair.client, 5);
  settle();
  FACT(ready(pair.server), Mask("OUT"));
  transmit(pair.client, 5);
  settle();
  FACT(ready(pair.server), Mask("IN|OUT"));
  FACT(receive(pair.server, 100), Succeeds(10));
}

// --- FIONBIO, FIONREAD: ioctl_tty(2), tcp(7).

CONFORMANCE(TcpData, InputOutputControls) {
  TcpPair pair;
  int off = 0, on = 1;
  FACT(ioctl(pair.client, FIONBIO, &off), Succeeds(0));
  FACT(fcntl(pair.client, F_GETFL), Succeeds(O_RDWR));
  FACT(ioctl(pair.client, FIONBIO, &on), Succeeds(0));
  FACT(fcntl(pair.client, F_GETFL), Succeeds(O_RDWR | O_NONBLOCK));
  FACT(bytes_queued(pair.listener), FailsWith(EINVAL));
  transmit(pair.client, 30);
  settle();
  FACT(bytes_queued(pair.server), Succeeds(30));
  receive(pair.server, 12);
  FACT(bytes_queued(pair.server), Succeeds(18));
}

// --- Arrivals as edges.

CONFORMANCE(TcpData, EachArrivalIsAnEdge) {
  // ep_poll_callback runs for every sk_data_ready, whether or not there were bytes before.
  TcpPair pair;
  Epoll epoll;
  epoll.add(pair.server, kEdge);
  epoll.wait();
  transmit(pair.client, 10);
  settle();
  FACT(epoll.wait(), Events("IN|OUT"));
  FACT(epoll.wait(), NoEvents());
  transmit(pair.client, 10);
  settle();
  FACT(epoll.wait(), Events("IN|OUT"));
  FACT(receive(pair.server, 5), Succeeds(5));
  FACT(epoll.wait(), NoEvents());
  FACT(receive(pair.server, 100), Succeeds(15));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(TcpData, DrainedBeforeTheHarvest) {
  // ep_send_events polls again: what is no longer ready is not reported.
  TcpPair pair;
  Epoll epoll;
  epoll.add(pair.server, EPOLLIN | EPOLLET);
  transmit(pair.client, 10);
  settle();
  FACT(receive(pair.server, 100), Succeeds(10));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(TcpData, UrgentByteIsPriority) {
  TcpPair pair;
  FACT(send(pair.client, "!", 1, MSG_OOB), Succeeds(1));
  settle();
  FACT(ready(pair.server), Mask("PRI|OUT"));
  FACT(receive(pair.server, 1, MSG_OOB), Succeeds(1));
  FACT(ready(pair.server), Mask("OUT"));
}

}  // namespace
}  // namespace conformance

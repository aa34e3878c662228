// SPDX-License-Identifier: MIT
//
// Descriptors that travel: SCM_RIGHTS.
// unix(7), cmsg(3), epoll(7); in the kernel __scm_send, scm_detach_fds, unix_stream_read_generic.
#include <sys/uio.h>

#include <cstring>
#include <vector>

#include "unix_toolbox.h"

namespace conformance {
namespace {

constexpr int kTypes[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

// One message with descriptors beside its bytes.
struct Parcel {
  explicit Parcel(size_t bytes, size_t descriptors = 1)
      : data(bytes, 'x'), control(descriptors == 0 ? 0 : CMSG_SPACE(descriptors * sizeof(int))) {
    piece = {data.data(), data.size()};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control.empty() ? nullptr : control.data();
    header.msg_controllen = control.size();
  }
  ssize_t send(int over, const std::vector<int>& fds) {
    cmsghdr* message = CMSG_FIRSTHDR(&header);
    message->cmsg_level = SOL_SOCKET;
    message->cmsg_type = SCM_RIGHTS;
    message->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(message), fds.data(), fds.size() * sizeof(int));
    return sendmsg(over, &header, MSG_NOSIGNAL);
  }
  ssize_t receive(int over, int flags = 0) { return recvmsg(over, &header, flags); }
  // What came; the caller closes them.
  std::vector<int> fds() {
    std::vector<int> found;
    cmsghdr* message = CMSG_FIRSTHDR(&header);
    if (message == nullptr || message->cmsg_type != SCM_RIGHTS) return found;
    found.resize((message->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    std::memcpy(found.data(), CMSG_DATA(message), found.size() * sizeof(int));
    return found;
  }
  std::vector<char> data, control;
  iovec piece{};
  msghdr header{};
};

CONFORMANCE(UnixRights, TheSameFileAnotherNumber) {
  for (int type : kTypes) {
    UnixPair pair(type);
    Fd counter = event_fd(0);
    FACT(Parcel(1).send(pair.a, {counter}), Succeeds(1));
    Parcel in(8);
    FACT(in.receive(pair.b), Succeeds(1));
    FACT(in.header.msg_flags, Succeeds(0));
    FACT(in.fds().size(), Succeeds(1));
    FACT(in.header.msg_controllen, Succeeds(CMSG_SPACE(sizeof(int))));
    Fd copy(in.fds()[0]);
    FACT(copy != counter, Holds());
    FACT(fcntl(copy, F_GETFD), Succeeds(0));
    add_to(counter, 5);
    FACT(take_from(copy), Succeeds(5));
  }
}

CONFORMANCE(UnixRights, CloseOnExec) {
  UnixPair pair;
  Fd counter = event_fd(0);
  Parcel(1).send(pair.a, {counter});
  Parcel in(8);
  FACT(in.receive(pair.b, MSG_CMSG_CLOEXEC), Succeeds(1));
  Fd copy(in.fds()[0]);
  FACT(fcntl(copy, F_GETFD), Succeeds(FD_CLOEXEC));
}

CONFORMANCE(UnixRights, InFlightItLives) {
  // The last descriptor is on its way: the pipe is not broken, its registration not gone.
  UnixPair pair;
  Pipe pipe;
  Epoll epoll;
  epoll.add(pipe.reader, EPOLLIN);
  Parcel(1).send(pair.a, {pipe.reader});
  pipe.reader.close();
  FACT(write(pipe.writer, "abc", 3), Succeeds(3));
  FACT(epoll.wait(), Events("IN"));
  Parcel in(8);
  in.receive(pair.b);
  Fd copy(in.fds()[0]);
  FACT(receive(copy, 1), FailsWith(ENOTSOCK));
  char bytes[8];
  FACT(read(copy, bytes, 8), Succeeds(3));
  copy.close();
  FACT(write(pipe.writer, "abc", 3), FailsWith(EPIPE));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(UnixRights, ThrownAwayWithTheSocket) {
  for (int type : kTypes) {
    UnixPair pair(type);
    Pipe pipe;
    Parcel(1).send(pair.a, {pipe.reader});
    pipe.reader.close();
    FACT(ready(pipe.writer, POLLOUT), Mask("OUT"));
    pair.b.close();
    pair.a.close();
    FACT(ready(pipe.writer, POLLOUT), Mask("OUT|ERR"));
  }
}

CONFORMANCE(UnixRights, ReadThrowsThemAway) {
  UnixPair pair;
  Pipe pipe;
  Parcel(1).send(pair.a, {pipe.reader});
  pipe.reader.close();
  char byte;
  FACT(read(pair.b, &byte, 1), Succeeds(1));
  FACT(ready(pipe.writer, POLLOUT), Mask("OUT|ERR"));
}

CONFORMANCE(UnixRights, NoRoomForThem) {
  for (int type : kTypes) {
    UnixPair pair(type);
    Fd counter = event_fd(0);
    Parcel(1).send(pair.a, {counter});
    Parcel in(8, 0);
    FACT(in.receive(pair.b), Succeeds(1));
    FACT(in.header.msg_flags, Succeeds(MSG_CTRUNC));
    FACT(in.header.msg_controllen, Succeeds(0));
  }
}

CONFORMANCE(UnixRights, RoomForSome) {
  UnixPair pair;
  Fd counter = event_fd(0);
  Parcel out(1, 4);
  FACT(out.send(pair.a, {counter, counter, counter}), Succeeds(1));
  Parcel in(8);
  in.header.msg_controllen = CMSG_LEN(sizeof(int));
  FACT(in.receive(pair.b), Succeeds(1));
  FACT(in.header.msg_flags, Succeeds(MSG_CTRUNC));
  FACT(in.fds().size(), Succeeds(1));
  Fd copy(in.fds()[0]);
}

CONFORMANCE(UnixRights, ChecksOfTheSender) {
  UnixPair pair;
  Fd counter = event_fd(0);
  FACT(Parcel(1).send(pair.a, {-1}), FailsWith(EBADF));
  FACT(Parcel(1).send(pair.a, {1000}), FailsWith(EBADF));
  Parcel odd(1);
  odd.send(pair.a, {counter});
  receive(pair.b, 10);
  CMSG_FIRSTHDR(&odd.header)->cmsg_type = 77;
  FACT(sendmsg(pair.a, &odd.header, 0), FailsWith(EINVAL));
  CMSG_FIRSTHDR(&odd.header)->cmsg_type = SCM_RIGHTS;
  CMSG_FIRSTHDR(&odd.header)->cmsg_len = 3;
  FACT(sendmsg(pair.a, &odd.header, 0), FailsWith(EINVAL));
  Parcel many(1, 254);
  FACT(many.send(pair.a, std::vector<int>(254, counter)), FailsWith(EINVAL));
  FACT(receive(pair.b, 10), FailsWith(EAGAIN));  // none of it was sent
}

CONFORMANCE(UnixRights, BoundOfAReadOnAStream) {
  // Bytes before are taken along, bytes after the message with descriptors are not.
  UnixPair pair;
  Fd counter = event_fd(0);
  transmit(pair.a, 3);
  Parcel(4).send(pair.a, {counter});
  transmit(pair.a, 5);
  Parcel in(100);
  FACT(in.receive(pair.b), Succeeds(7));
  FACT(in.fds().size(), Succeeds(1));
  Fd copy(in.fds()[0]);
  FACT(receive(pair.b, 100), Succeeds(5));
}

CONFORMANCE(UnixRights, ComeWithTheFirstByte) {
  UnixPair pair;
  Fd counter = event_fd(0);
  Parcel(4).send(pair.a, {counter});
  transmit(pair.a, 5);
  Parcel in(1);
  FACT(in.receive(pair.b), Succeeds(1));
  FACT(in.fds().size(), Succeeds(1));
  Fd copy(in.fds()[0]);
  FACT(receive(pair.b, 100), Succeeds(8));
}

CONFORMANCE(UnixRights, PeekingGivesOthers) {
  for (int type : kTypes) {
    UnixPair pair(type);
    Fd counter = event_fd(0);
    Parcel(1).send(pair.a, {counter});
    Parcel peeked(8), in(8);
    FACT(peeked.receive(pair.b, MSG_PEEK), Succeeds(1));
    FACT(in.receive(pair.b), Succeeds(1));
    FACT(peeked.fds().size() == 1 && in.fds().size() == 1, Holds());
    Fd first(peeked.fds()[0]), second(in.fds()[0]);
    FACT(first != second, Holds());
  }
}

CONFORMANCE(UnixRights, SocketOverItself) {
  UnixPair pair;
  FACT(Parcel(1).send(pair.a, {pair.b}), Succeeds(1));
  Parcel in(8);
  FACT(in.receive(pair.b), Succeeds(1));
  Fd copy(in.fds()[0]);
  transmit(pair.a, 2);
  FACT(receive(copy, 10), Succeeds(2));
}

// unix_gc: whoever closes a unix socket looks for those that nothing but their own queues holds.
CONFORMANCE(UnixRights, WhatOnlyItselfHolds) {
  UnixPair pair;
  FACT(Parcel(1).send(pair.a, {pair.b}), Succeeds(1));  // into its own queue
  pair.b.close();
  { UnixPair other; }
  sleep_ms(50);
  char byte;
  FACT(recv(pair.a, &byte, 1, MSG_DONTWAIT), Succeeds(0));
}

CONFORMANCE(UnixRights, ListenerIsPassed) {
  UnixPair pair(SOCK_SEQPACKET);
  Listener listener;
  Parcel(1).send(pair.a, {listener.fd});
  listener.fd.close();
  Fd client = dial(listener.port);
  Parcel in(8);
  in.receive(pair.b);
  Fd copy(in.fds()[0]);
  Fd server = accept_from(copy);
  FACT(transmit(client, 2), Succeeds(2));
  settle();
  FACT(receive(server, 10), Succeeds(2));
}

}  // namespace
}  // namespace conformance

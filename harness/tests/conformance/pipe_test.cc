// SPDX-License-Identifier: MIT
//
// pipe(7), pipe(2); in the kernel pipe_read, pipe_write, pipe_poll, pipe_release.
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <thread>
#include <vector>

#include "toolbox.h"

namespace conformance {
namespace {

constexpr uint32_t kEdge = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

ssize_t put(int fd, size_t count) {
  std::vector<char> bytes(count + 1, 'x');
  return write(fd, bytes.data(), count);
}

ssize_t take(int fd, size_t count) {
  std::vector<char> bytes(count + 1);
  return read(fd, bytes.data(), count);
}

CONFORMANCE(Pipe, Creation) {
  Pipe plain(0), with(O_NONBLOCK | O_CLOEXEC);
  FACT(fcntl(plain.reader, F_GETFL), Succeeds(O_RDONLY));
  FACT(fcntl(plain.writer, F_GETFL), Succeeds(O_WRONLY));
  FACT(fcntl(plain.reader, F_GETFD), Succeeds(0));
  FACT(fcntl(with.reader, F_GETFL), Succeeds(O_RDONLY | O_NONBLOCK));
  FACT(fcntl(with.writer, F_GETFL), Succeeds(O_WRONLY | O_NONBLOCK));
  FACT(fcntl(with.writer, F_GETFD), Succeeds(FD_CLOEXEC));
  int ends[2];
  FACT(pipe2(ends, O_CREAT), FailsWith(EINVAL));
}

CONFORMANCE(Pipe, FreshMasks) {
  Pipe pipe;
  FACT(ready(pipe.reader), Mask("0"));
  FACT(ready(pipe.writer), Mask("OUT"));
  FACT(take(pipe.reader, 1), FailsWith(EAGAIN));
  FACT(bytes_queued(pipe.reader), Succeeds(0));
}

CONFORMANCE(Pipe, BytesGoThrough) {
  Pipe pipe;
  FACT(put(pipe.writer, 10), Succeeds(10));
  FACT(put(pipe.writer, 5), Succeeds(5));
  FACT(ready(pipe.reader), Mask("IN"));
  FACT(bytes_queued(pipe.reader), Succeeds(15));
  FACT(take(pipe.reader, 12), Succeeds(12));
  FACT(take(pipe.reader, 12), Succeeds(3));
  FACT(take(pipe.reader, 12), FailsWith(EAGAIN));
  FACT(ready(pipe.reader), Mask("0"));
}

CONFORMANCE(Pipe, WrongEnd) {
  Pipe pipe;
  FACT(take(pipe.writer, 1), FailsWith(EBADF));
  FACT(put(pipe.reader, 1), FailsWith(EBADF));
  FACT(lseek(pipe.reader, 0, SEEK_SET), FailsWith(ESPIPE));
  char byte = 0;
  FACT(pread(pipe.reader, &byte, 1, 0), FailsWith(ESPIPE));
  FACT(recv(pipe.reader, &byte, 1, 0), FailsWith(ENOTSOCK));
  FACT(send(pipe.writer, &byte, 1, 0), FailsWith(ENOTSOCK));
}

CONFORMANCE(Pipe, NothingToWrite) {
  Pipe pipe;
  FACT(put(pipe.writer, 0), Succeeds(0));
  FACT(take(pipe.reader, 0), Succeeds(0));
  FACT(ready(pipe.reader), Mask("0"));
  FACT(take(pipe.reader, 1), FailsWith(EAGAIN));
}

// --- Ends.

CONFORMANCE(Pipe, WriterGone) {
  Pipe pipe;
  put(pipe.writer, 4);
  pipe.writer.close();
  FACT(ready(pipe.reader), Mask("IN|HUP"));
  FACT(take(pipe.reader, 10), Succeeds(4));
  FACT(ready(pipe.reader), Mask("HUP"));
  FACT(take(pipe.reader, 10), Succeeds(0));
  FACT(take(pipe.reader, 10), Succeeds(0));
}

CONFORMANCE(Pipe, ReaderGone) {
  Pipe pipe;
  pipe.reader.close();
  FACT(ready(pipe.writer), Mask("OUT|ERR"));
  FACT(put(pipe.writer, 1), FailsWith(EPIPE));
  FACT(put(pipe.writer, 0), Succeeds(0));
  FACT(ready(pipe.writer), Mask("OUT|ERR"));
}

CONFORMANCE(Pipe, ReaderGoneWhileFull) {
  Pipe pipe;
  fill_up(pipe.writer);
  FACT(ready(pipe.writer), Mask("0"));
  pipe.reader.close();
  FACT(ready(pipe.writer), Mask("ERR"));
  FACT(put(pipe.writer, 1), FailsWith(EPIPE));
}

CONFORMANCE(Pipe, DuplicateKeepsAnEndOpen) {
  Pipe pipe;
  Fd copy(dup(pipe.writer));
  pipe.writer.close();
  FACT(ready(pipe.reader), Mask("0"));
  FACT(put(copy, 1), Succeeds(1));
  copy.close();
  FACT(ready(pipe.reader), Mask("IN|HUP"));
}

CONFORMANCE(Pipe, EndsInEpoll) {
  Pipe pipe;
  Epoll epoll;
  epoll.add(pipe.reader, kEdge, 1);
  epoll.add(pipe.writer, kEdge, 2);
  FACT(epoll.wait(), Events("2:OUT"));
  pipe.writer.close();
  FACT(epoll.wait(), Events("1:HUP"));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(Pipe, ReaderGoneInEpoll) {
  Pipe pipe;
  Epoll epoll;
  epoll.add(pipe.writer, kEdge);
  FACT(epoll.wait(), Events("OUT"));
  pipe.reader.close();
  FACT(epoll.wait(), Events("OUT|ERR"));
  FACT(epoll.wait(), NoEvents());
}

// --- Room: 16 slots of a page; pipe(7), pipe_full.

CONFORMANCE(Pipe, Capacity) {
  Pipe pipe;
  FACT(fcntl(pipe.writer, F_GETPIPE_SZ), Succeeds(65536));
  FACT(fill_up(pipe.writer), Succeeds(65536));
  FACT(bytes_queued(pipe.reader), Succeeds(65536));
  FACT(ready(pipe.writer), Mask("0"));
  FACT(put(pipe.writer, 1), FailsWith(EAGAIN));
}

CONFORMANCE(Pipe, RoomIsAWholePage) {
  Pipe pipe;
  fill_up(pipe.writer);
  FACT(take(pipe.reader, 1), Succeeds(1));
  FACT(ready(pipe.writer), Mask("0"));
  FACT(put(pipe.writer, 1), FailsWith(EAGAIN));
  FACT(take(pipe.reader, 4094), Succeeds(4094));
  FACT(ready(pipe.writer), Mask("0"));
  FACT(take(pipe.reader, 1), Succeeds(1));
  FACT(ready(pipe.writer), Mask("OUT"));
  FACT(put(pipe.writer, 4096), Succeeds(4096));
  FACT(put(pipe.writer, 1), FailsWith(EAGAIN));
}

CONFORMANCE(Pipe, SmallWritesAreAtomic) {
  // Up to PIPE_BUF all or nothing; above it, what fits.
  Pipe pipe;
  FACT(put(pipe.writer, 61440), Succeeds(61440));
  FACT(put(pipe.writer, 1), Succeeds(1));
  FACT(put(pipe.writer, 4096), FailsWith(EAGAIN));
  FACT(put(pipe.writer, 4095), Succeeds(4095));
  FACT(put(pipe.writer, 1), FailsWith(EAGAIN));
}

CONFORMANCE(Pipe, LargeWritesMayBePartial) {
  Pipe pipe;
  FACT(put(pipe.writer, 100'000), Succeeds(65536));
  FACT(put(pipe.writer, 100'000), FailsWith(EAGAIN));
  FACT(take(pipe.reader, 8192), Succeeds(8192));
  FACT(put(pipe.writer, 100'000), Succeeds(8192));
}

CONFORMANCE(Pipe, RoomInTheLastPageIsNotAnnounced) {
  // pipe_poll counts slots; pipe_write may still append to the last page.
  Pipe pipe;
  FACT(put(pipe.writer, 61440 + 1000), Succeeds(62440));
  FACT(ready(pipe.writer), Mask("0"));
  FACT(put(pipe.writer, 3000), Succeeds(3000));
  FACT(put(pipe.writer, 97), FailsWith(EAGAIN));
  FACT(put(pipe.writer, 96), Succeeds(96));
}

// --- Edges.

CONFORMANCE(Pipe, EachWriteIsAnEdge) {
  // pipe_poll sets poll_usage: from then on every write wakes, even into a pipe that is not empty.
  Pipe pipe;
  Epoll epoll;
  epoll.add(pipe.reader, EPOLLIN | EPOLLET);
  put(pipe.writer, 1);
  FACT(epoll.wait(), Events("IN"));
  FACT(epoll.wait(), NoEvents());
  put(pipe.writer, 1);
  FACT(epoll.wait(), Events("IN"));
  take(pipe.reader, 1);
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(Pipe, WriteEdgeOnlyFromFull) {
  Pipe pipe;
  Epoll epoll;
  epoll.add(pipe.writer, EPOLLOUT | EPOLLET);
  FACT(epoll.wait(), Events("OUT"));
  put(pipe.writer, 4096);
  take(pipe.reader, 4096);
  FACT(epoll.wait(), NoEvents());
  fill_up(pipe.writer);
  FACT(epoll.wait(), NoEvents());
  take(pipe.reader, 4096);
  FACT(epoll.wait(), Events("OUT"));
  take(pipe.reader, 4096);
  FACT(epoll.wait(), NoEvents());
}

// --- Waiting.

CONFORMANCE(Pipe, BlockingRead) {
  Pipe pipe(0);
  ssize_t seen = 0;
  std::thread reader([&] { seen = take(pipe.reader, 10); });
  settle();
  put(pipe.writer, 3);
  reader.join();
  FACT(seen, Succeeds(3));
}

CONFORMANCE(Pipe, BlockingReadEndsWithTheWriter) {
  Pipe pipe(0);
  ssize_t seen = -7;
  std::thread reader([&] { seen = take(pipe.reader, 10); });
  settle();
  pipe.writer.close();
  reader.join();
  FACT(seen, Succeeds(0));
}

CONFORMANCE(Pipe, BlockingWriteTakesAll) {
  Pipe pipe(0);
  ssize_t seen = 0;
  std::thread writer([&] { seen = put(pipe.writer, 100'000); });
  settle();
  size_t got = 0;
  while (got < 100'000) got += static_cast<size_t>(must(take(pipe.reader, 100'000), "read"));
  writer.join();
  FACT(seen, Succeeds(100'000));
  FACT(got, Succeeds(100'000));
}

CONFORMANCE(Pipe, Vectors) {
  Pipe pipe;
  char a[] = "ab", b[] = "c";
  iovec out[] = {{a, 2}, {b, 1}};
  FACT(writev(pipe.writer, out, 2), Succeeds(3));
  char first[1], second[8];
  iovec in[] = {{first, 1}, {second, 8}};
  FACT(readv(pipe.reader, in, 2), Succeeds(3));
  FACT(first[0] == 'a' && second[0] == 'b' && second[1] == 'c', Holds());
}

}  // namespace
}  // namespace conformance

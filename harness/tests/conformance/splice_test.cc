// SPDX-License-Identifier: MIT
//
// From one descriptor to another: sendfile, splice, tee, copy_file_range, and the size of a pipe.
// sendfile(2), splice(2), tee(2), fcntl(2); in the kernel do_sendfile, do_splice, do_tee,
// pipe_set_size.
#include <sys/sendfile.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "toolbox.h"

namespace conformance {
namespace {

// A regular file with "0123456789abcdef" as often as it takes, at position 0.
struct Content {
  explicit Content(size_t size) {
    char name[] = "/tmp/conformance.XXXXXX";
    fd = Fd(static_cast<int>(must(mkstemp(name), "mkstemp")));
    unlink(name);
    std::string text;
    while (text.size() < size) text += "0123456789abcdef";
    must(pwrite(fd, text.data(), size, 0), "pwrite");
  }
  Fd fd;
};

std::string take_text(int fd, size_t size) {
  std::string text(size, '\0');
  ssize_t count = read(fd, text.data(), size);
  text.resize(count < 0 ? 0 : static_cast<size_t>(count));
  return text;
}

// --- sendfile

CONFORMANCE(SendFile, MovesThePositionOfTheFile) {
  TcpPair pair;
  Content content(16);
  FACT(sendfile(pair.client, content.fd, nullptr, 5), Succeeds(5));
  FACT(lseek(content.fd, 0, SEEK_CUR), Succeeds(5));
  FACT(sendfile(pair.client, content.fd, nullptr, 100), Succeeds(11));
  FACT(sendfile(pair.client, content.fd, nullptr, 100), Succeeds(0));  // the end
  settle();
  FACT(take_text(pair.server, 100) == "0123456789abcdef", Holds());
}

CONFORMANCE(SendFile, AnOffsetOfTheCallersLeavesThePosition) {
  TcpPair pair;
  Content content(16);
  off_t offset = 10;
  FACT(sendfile(pair.client, content.fd, &offset, 3), Succeeds(3));
  FACT(offset == 13, Holds());
  FACT(lseek(content.fd, 0, SEEK_CUR), Succeeds(0));
  FACT(sendfile(pair.client, content.fd, &offset, 0), Succeeds(0));
  offset = 20;
  FACT(sendfile(pair.client, content.fd, &offset, 3), Succeeds(0));
  settle();
  FACT(take_text(pair.server, 100) == "abc", Holds());
}

CONFORMANCE(SendFile, TheSourceMustBeAFile) {
  TcpPair pair;
  Pipe pipe;
  Content content(4);
  off_t offset = 0;
  must(write(pipe.writer, "x", 1), "write");
  FACT(sendfile(pair.client, pipe.reader, nullptr, 1), FailsWith(EINVAL));
  FACT(sendfile(pair.client, pipe.reader, &offset, 1), FailsWith(ESPIPE));
  FACT(sendfile(pair.client, pair.server, nullptr, 1), FailsWith(EINVAL));
  FACT(sendfile(pair.client, pair.server, &offset, 1), FailsWith(ESPIPE));
  FACT(sendfile(pair.client, pipe.writer, nullptr, 1), FailsWith(EBADF));
  FACT(sendfile(pipe.reader, content.fd, nullptr, 1), FailsWith(EBADF));
  FACT(sendfile(pair.client, -1, nullptr, 1), FailsWith(EBADF));
  FACT(sendfile(-1, content.fd, nullptr, 1), FailsWith(EBADF));
}

CONFORMANCE(SendFile, AFullSocketTakesNoMore) {
  TcpPair pair;
  Content content(1 << 20);
  fill_up(pair.client);
  FACT(sendfile(pair.client, content.fd, nullptr, 1 << 20), FailsWith(EAGAIN));
  FACT(lseek(content.fd, 0, SEEK_CUR), Succeeds(0));
  drain(pair.server);
  settle();
  FACT(sendfile(pair.client, content.fd, nullptr, 1000), Succeeds(1000));
}

CONFORMANCE(SendFile, ThePositionStaysWhereTheSocketStopped) {
  TcpPair pair;
  Content content(16 << 20);
  ssize_t sent = must(sendfile(pair.client, content.fd, nullptr, 16 << 20), "sendfile");
  FACT(sent > 0 && sent < (16 << 20), Holds());
  FACT(lseek(content.fd, 0, SEEK_CUR) == sent, Holds());
}

CONFORMANCE(SendFile, ABlockingSocketTakesAll) {
  TcpPair pair;
  Content content(8 << 20);
  fcntl(pair.client, F_SETFL, 0);
  fcntl(pair.server, F_SETFL, 0);
  size_t got = 0;
  std::thread reader([&] {
    char bytes[65536];
    for (ssize_t n; (n = read(pair.server, bytes, sizeof bytes)) > 0;) {
      got += static_cast<size_t>(n);
    }
  });
  FACT(sendfile(pair.client, content.fd, nullptr, 8 << 20), Succeeds(8 << 20));
  pair.client.close();
  reader.join();
  FACT(got == 8 << 20, Holds());
}

CONFORMANCE(SendFile, ToAPipe) {
  Pipe pipe;
  Content content(16);
  FACT(sendfile(pipe.writer, content.fd, nullptr, 6), Succeeds(6));
  FACT(take_text(pipe.reader, 100) == "012345", Holds());
  FACT(lseek(content.fd, 0, SEEK_CUR), Succeeds(6));
}

CONFORMANCE(SendFile, ToAPeerThatIsGone) {
  signal(SIGPIPE, SIG_IGN);
  TcpPair pair;
  Content content(16);
  shutdown(pair.client, SHUT_WR);
  FACT(sendfile(pair.client, content.fd, nullptr, 5), FailsWith(EPIPE));
  FACT(lseek(content.fd, 0, SEEK_CUR), Succeeds(0));
  signal(SIGPIPE, SIG_DFL);
}

// --- splice

ssize_t move(int in, int out, size_t size, unsigned flags = SPLICE_F_NONBLOCK) {
  return splice(in, nullptr, out, nullptr, size, flags);
}

CONFORMANCE(Splice, FromSocketToSocketThroughAPipe) {
  TcpPair from, to;
  Pipe pipe;
  FACT(move(from.server, pipe.writer, 100), FailsWith(EAGAIN));
  must(write(from.client, "through", 7), "write");
  settle();
  FACT(move(from.server, pipe.writer, 3), Succeeds(3));
  FACT(move(from.server, pipe.writer, 100), Succeeds(4));
  FACT(bytes_queued(pipe.reader), Succeeds(7));
  FACT(move(pipe.reader, to.client, 5), Succeeds(5));
  FACT(move(pipe.reader, to.client, 100), Succeeds(2));
  FACT(move(pipe.reader, to.client, 100), FailsWith(EAGAIN));
  settle();
  FACT(take_text(to.server, 100) == "through", Holds());
}

CONFORMANCE(Splice, FromUnixStreams) {
  UnixPair from;
  Pipe pipe;
  FACT(move(from.b, pipe.writer, 100), FailsWith(EAGAIN));
  must(write(from.a, "abc", 3), "write");
  FACT(move(from.b, pipe.writer, 100), Succeeds(3));
  UnixPair to;
  FACT(move(pipe.reader, to.a, 100), Succeeds(3));
  FACT(take_text(to.b, 100) == "abc", Holds());
  from.a.close();
  FACT(move(from.b, pipe.writer, 100), Succeeds(0));
}

CONFORMANCE(Splice, EndsAndErrors) {
  TcpPair pair;
  Pipe pipe;
  shutdown(pair.client, SHUT_WR);
  settle();
  FACT(move(pair.server, pipe.writer, 10), Succeeds(0));
  pipe.writer.close();
  FACT(move(pipe.reader, pair.server, 10), Succeeds(0));
  TcpPair reset;
  abort_connection(reset.client);
  settle();
  Pipe other;
  FACT(move(reset.server, other.writer, 10), FailsWith(ECONNRESET));
  Fd fresh = tcp_socket();
  FACT(move(fresh, other.writer, 10), FailsWith(ENOTCONN));
}

CONFORMANCE(Splice, WhatItRefuses) {
  TcpPair pair;
  Pipe pipe, other;
  off_t offset = 0;
  FACT(move(pair.client, pair.server, 1), FailsWith(EINVAL));
  FACT(move(pipe.reader, pipe.writer, 1), FailsWith(EINVAL));
  FACT(move(pipe.writer, pair.client, 1), FailsWith(EBADF));
  FACT(move(pair.client, pipe.reader, 1), FailsWith(EBADF));
  FACT(move(-1, pipe.writer, 1), FailsWith(EBADF));
  FACT(move(pipe.reader, -1, 1), FailsWith(EBADF));
  FACT(move(pipe.reader, pair.client, 1, 0x100), FailsWith(EINVAL));
  FACT(move(-1, -1, 0), Succeeds(0));
  FACT(splice(pipe.reader, &offset, pair.client, nullptr, 1, 0), FailsWith(ESPIPE));
  FACT(splice(pair.client, nullptr, pipe.writer, &offset, 1, 0), FailsWith(ESPIPE));
  FACT(splice(pipe.reader, nullptr, other.writer, &offset, 1, 0), FailsWith(ESPIPE));
  FACT(splice(pair.client, &offset, pipe.writer, nullptr, 1, 0), FailsWith(EINVAL));
  must(write(pipe.writer, "x", 1), "write");
  FACT(splice(pipe.reader, nullptr, pair.client, &offset, 1, 0), FailsWith(EINVAL));
}

CONFORMANCE(Splice, AFullPipeTakesNoMore) {
  TcpPair pair;
  Pipe pipe;
  must(write(pair.client, "x", 1), "write");
  settle();
  fill_up(pipe.writer);
  FACT(move(pair.server, pipe.writer, 10), FailsWith(EAGAIN));
  drain(pipe.reader);
  FACT(move(pair.server, pipe.writer, 10), Succeeds(1));
}

CONFORMANCE(Splice, AFullSocketLeavesItInThePipe) {
  TcpPair pair;
  Pipe pipe;
  fill_up(pair.client);
  must(write(pipe.writer, "later", 5), "write");
  FACT(move(pipe.reader, pair.client, 10), FailsWith(EAGAIN));
  FACT(bytes_queued(pipe.reader), Succeeds(5));
  drain(pair.server);
  settle();
  FACT(move(pipe.reader, pair.client, 10), Succeeds(5));
}

CONFORMANCE(Splice, ToAPipeWithoutAReader) {
  signal(SIGPIPE, SIG_IGN);
  TcpPair pair;
  Pipe pipe;
  must(write(pair.client, "x", 1), "write");
  settle();
  pipe.reader.close();
  FACT(move(pair.server, pipe.writer, 10), FailsWith(EPIPE));
  FACT(receive(pair.server, 10), Succeeds(1));  // it is still there
  signal(SIGPIPE, SIG_DFL);
}

CONFORMANCE(Splice, BetweenPipes) {
  Pipe from, to;
  FACT(move(from.reader, to.writer, 10), FailsWith(EAGAIN));
  must(write(from.writer, "abcdef", 6), "write");
  FACT(move(from.reader, to.writer, 4), Succeeds(4));
  FACT(take_text(to.reader, 10) == "abcd", Holds());
  FACT(take_text(from.reader, 10) == "ef", Holds());
}

CONFORMANCE(Splice, FilesHavePositions) {
  Pipe pipe;
  Content content(16);
  off_t offset = 4;
  FACT(splice(content.fd, &offset, pipe.writer, nullptr, 3, 0), Succeeds(3));
  FACT(offset == 7, Holds());
  FACT(move(content.fd, pipe.writer, 2), Succeeds(2));
  FACT(lseek(content.fd, 0, SEEK_CUR), Succeeds(2));
  FACT(take_text(pipe.reader, 10) == "45601", Holds());
  must(write(pipe.writer, "XY", 2), "write");
  FACT(move(pipe.reader, content.fd, 10), Succeeds(2));
  FACT(lseek(content.fd, 0, SEEK_SET), Succeeds(0));
  FACT(take_text(content.fd, 6) == "01XY45", Holds());
}

CONFORMANCE(Splice, WaitsForTheSocketThatBlocks) {
  TcpPair pair;
  Pipe pipe(0);
  fcntl(pair.server, F_SETFL, 0);
  ssize_t seen = -7;
  std::thread mover([&] { seen = move(pair.server, pipe.writer, 10, 0); });
  settle();
  transmit(pair.client, 3);
  mover.join();
  FACT(seen, Succeeds(3));
}

CONFORMANCE(Splice, WaitsForDataInThePipe) {
  TcpPair pair;
  Pipe pipe(0);
  ssize_t seen = -7;
  std::thread mover([&] { seen = move(pipe.reader, pair.client, 10, 0); });
  settle();
  must(write(pipe.writer, "abc", 3), "write");
  mover.join();
  FACT(seen, Succeeds(3));
  FACT(move(pipe.reader, pair.client, 10, SPLICE_F_NONBLOCK), FailsWith(EAGAIN));
}

// --- tee

CONFORMANCE(Tee, LeavesTheSource) {
  Pipe from, to;
  FACT(tee(from.reader, to.writer, 10, SPLICE_F_NONBLOCK), FailsWith(EAGAIN));
  must(write(from.writer, "abcdef", 6), "write");
  FACT(tee(from.reader, to.writer, 4, 0), Succeeds(4));
  FACT(tee(from.reader, to.writer, 100, 0), Succeeds(6));
  FACT(take_text(to.reader, 100) == "abcdabcdef", Holds());
  FACT(take_text(from.reader, 100) == "abcdef", Holds());
  from.writer.close();
  FACT(tee(from.reader, to.writer, 10, 0), Succeeds(0));
}

CONFORMANCE(Tee, WhatItRefuses) {
  Pipe pipe, other;
  TcpPair pair;
  FACT(tee(pipe.reader, pipe.writer, 1, 0), FailsWith(EINVAL));
  FACT(tee(pair.client, pipe.writer, 1, 0), FailsWith(EINVAL));
  FACT(tee(pipe.reader, pair.client, 1, 0), FailsWith(EINVAL));
  FACT(tee(pipe.writer, other.writer, 1, 0), FailsWith(EBADF));
  FACT(tee(pipe.reader, other.writer, 1, 0x100), FailsWith(EINVAL));
  FACT(tee(pipe.reader, -1, 1, 0), FailsWith(EBADF));
  FACT(tee(pipe.reader, -1, 0, 0), Succeeds(0));
}

// --- copy_file_range

CONFORMANCE(CopyFileRange, IsForFilesOnly) {
  TcpPair pair;
  Pipe pipe;
  Content content(16);
  FACT(copy_file_range(content.fd, nullptr, pair.client, nullptr, 4, 0), FailsWith(EINVAL));
  FACT(copy_file_range(pair.client, nullptr, content.fd, nullptr, 4, 0), FailsWith(EINVAL));
  FACT(copy_file_range(content.fd, nullptr, pipe.writer, nullptr, 4, 0), FailsWith(EINVAL));
  FACT(copy_file_range(-1, nullptr, pipe.writer, nullptr, 4, 0), FailsWith(EBADF));
  FACT(copy_file_range(content.fd, nullptr, pipe.reader, nullptr, 4, 0), FailsWith(EINVAL));
}

// --- The size of a pipe

CONFORMANCE(PipeSize, IsAPowerOfTwoOfPages) {
  Pipe pipe;
  FACT(fcntl(pipe.reader, F_GETPIPE_SZ), Succeeds(65536));
  FACT(fcntl(pipe.reader, F_SETPIPE_SZ, 5000), Succeeds(8192));
  FACT(fcntl(pipe.writer, F_GETPIPE_SZ), Succeeds(8192));
  FACT(fcntl(pipe.writer, F_SETPIPE_SZ, 1), Succeeds(4096));
  FACT(fcntl(pipe.writer, F_SETPIPE_SZ, 1 << 20), Succeeds(1 << 20));
  FACT(fcntl(pipe.writer, F_SETPIPE_SZ, -1), FailsWith(EINVAL));
  FACT(fill_up(pipe.writer) == 1 << 20, Holds());
  FACT(drain(pipe.reader) == 1 << 20, Holds());
  TcpPair pair;
  FACT(fcntl(pair.client, F_GETPIPE_SZ), FailsWith(EBADF));
  FACT(fcntl(pair.client, F_SETPIPE_SZ, 4096), FailsWith(EBADF));
}

CONFORMANCE(PipeSize, KeepsWhatIsInIt) {
  Pipe pipe;
  fill_up(pipe.writer);
  FACT(fcntl(pipe.writer, F_SETPIPE_SZ, 32768), FailsWith(EBUSY));
  FACT(ready(pipe.writer), Mask("0"));
  FACT(fcntl(pipe.writer, F_SETPIPE_SZ, 131072), Succeeds(131072));
  FACT(ready(pipe.writer), Mask("OUT"));
  FACT(bytes_queued(pipe.reader), Succeeds(65536));
  char bytes[4096];
  for (int i = 0; i < 14; i++) must(read(pipe.reader, bytes, sizeof bytes), "read");
  FACT(fcntl(pipe.writer, F_SETPIPE_SZ, 8192), Succeeds(8192));
  FACT(bytes_queued(pipe.reader), Succeeds(8192));
  FACT(drain(pipe.reader) == 8192, Holds());
}

CONFORMANCE(PipeSize, MoreRoomWakesTheWriter) {
  Pipe pipe;
  fill_up(pipe.writer);
  Epoll epoll;
  epoll.add(pipe.writer, EPOLLOUT | EPOLLET);
  FACT(epoll.wait(), NoEvents());
  must(fcntl(pipe.writer, F_SETPIPE_SZ, 131072), "F_SETPIPE_SZ");
  FACT(epoll.wait(), Events("OUT"));
}

}  // namespace
}  // namespace conformance

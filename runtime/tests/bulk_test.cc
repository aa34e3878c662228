// SPDX-License-Identifier: MIT
// sendfile and splice, and the copy by hand where the kernel cannot (net/sendfile_test.go,
// splice_test.go).
#include "src/bulk.h"

#include "endpoints.h"

namespace netpoll::testing {
namespace {

class BulkTest : public WorkersTest {};

poll_fd& fd_of(const Descriptor& d) { return d.impl()->pfd; }

TEST_P(BulkTest, AFileArrivesWhole) {
  TempDir dir;
  run([&](Runtime&) {
    const std::string content = pattern(5 << 20, 1);
    for (uint64_t limit : {kCopyAll, uint64_t{5 << 20}, uint64_t{6 << 20}, uint64_t{12345}}) {
      Pair p = connected_pair();
      File f = File::adopt(temp_file(dir, content), "content").value;
      WaitGroup done;
      const size_t want = std::min<uint64_t>(limit, content.size());
      in_background(done, [&] {
        const CopyResult r = copy(p.client, f, limit);
        EXPECT_FALSE(r.err) << r.err.message();
        EXPECT_EQ(r.n, want);
        EXPECT_FALSE(p.client.close());
      });
      EXPECT_TRUE(read_all(p.server) == content.substr(0, want));
      done.wait();
    }
  });
}

TEST_P(BulkTest, ChunksAndTheFilesOffsetAreKept) {
  TempDir dir;
  run([&](Runtime&) {
    Pair p = connected_pair();
    File f = File::adopt(temp_file(dir, "0123456789abcdef"), "content").value;
    char skip[2];
    EXPECT_EQ(f.read(skip, 2).n, 2u);
    for (int i = 0; i < 3; i++) {
      const bulk_result r = send_file(fd_of(p.client), fd_of(f), 3, 2);
      EXPECT_TRUE(r.handled);
      EXPECT_FALSE(r.err);
      EXPECT_EQ(r.n, 3u);
    }
    EXPECT_EQ(read_exactly(p.server, 9), "23456789a");
    bulk_result r = send_file(fd_of(p.client), fd_of(f), 0, 2);
    EXPECT_EQ(r.n, 5u);
    EXPECT_EQ(read_exactly(p.server, 5), "bcdef");
    // At the end of the file there is nothing to send, which is an answer.
    r = send_file(fd_of(p.client), fd_of(f), 0, 2);
    EXPECT_TRUE(r.handled);
    EXPECT_FALSE(r.err);
    EXPECT_EQ(r.n, 0u);
  });
}

TEST_P(BulkTest, SendFileRefusesWhatItCannotAndThenACopyByHandDoesIt) {
  run([](Runtime&) {
    Pair p = connected_pair();
    PipeFiles pipe = pipe_files();
    EXPECT_EQ(pipe.in.write("through a pipe", 14).n, 14u);
    // Since Linux 5.12 sendfile takes a pipe as a source only if the target is one.
    const bulk_result r = send_file(fd_of(p.client), fd_of(pipe.out), 0);
    EXPECT_FALSE(r.handled);
    EXPECT_EQ(r.n, 0u);
    EXPECT_FALSE(pipe.in.close());
    const CopyResult c = copy(p.client, pipe.out);
    EXPECT_FALSE(c.err) << c.err.message();
    EXPECT_EQ(c.n, 14u);
    EXPECT_EQ(read_exactly(p.server, 14), "through a pipe");
    // The pipe was not made blocking.
    EXPECT_FALSE(pipe.out.set_read_deadline(Clock::now() + milliseconds(1)));
  });
}

TEST_P(BulkTest, EachWriteToAPipeArrivesThroughTcpAtOnce) {
  run([](Runtime&) {
    Pair p = connected_pair();
    PipeFiles pipe = pipe_files();
    WaitGroup done;
    in_background(done, [&] { EXPECT_EQ(copy(p.client, pipe.out).n, 2u); });
    for (const char* byte : {"a", "b"}) {
      EXPECT_EQ(pipe.in.write(byte, 1).n, 1u);
      EXPECT_EQ(read_exactly(p.server, 1), byte);
    }
    EXPECT_FALSE(pipe.in.close());
    done.wait();
  });
}

TEST_P(BulkTest, AnExpiredDeadlineSendsNothing) {
  TempDir dir;
  run([&](Runtime&) {
    Pair p = connected_pair();
    File f = File::adopt(temp_file(dir, "content"), "content").value;
    EXPECT_FALSE(p.client.set_write_deadline(Clock::now() - milliseconds(1)));
    const CopyResult r = copy(p.client, f);
    EXPECT_EQ(r.err.code(), Errc::deadline_exceeded);
    EXPECT_EQ(r.err.op(), "readfrom");
    EXPECT_EQ(r.n, 0u);
    EXPECT_FALSE(p.client.close());
    EXPECT_EQ(read_all(p.server), "");
  });
}

TEST_P(BulkTest, AClosedPeerIsAnErrorAndNoSignal) {
  TempDir dir;
  run([&](Runtime&) {
    Pair p = connected_pair();
    File f = File::adopt(temp_file(dir, std::string(1 << 20, 'x')), "content").value;
    EXPECT_FALSE(p.client.close_write());
    const CopyResult r = copy(p.client, f);
    EXPECT_EQ(r.err.sys_errno(), EPIPE) << r.err.message();
    EXPECT_EQ(r.err.syscall(), "sendfile");

    Pair q = connected_pair();
    EXPECT_EQ(q.client.write("x", 1).n, 1u);
    EXPECT_EQ(copy(p.client, q.server, 1).err.sys_errno(), EPIPE);
  });
}

struct Stream {
  Conn near;  // what the test holds
  Conn far;   // what is copied from or to
};

Stream tcp_stream() {
  Pair p = connected_pair();
  return {p.client, p.server};
}
Stream unix_stream() {
  UnixPair p = unix_pair();
  return {p.client, p.server};
}

TEST_P(BulkTest, SpliceBetweenAllKindsOfStreams) {
  run([](Runtime&) {
    using Make = Stream (*)();
    const std::pair<Make, Make> kinds[] = {
        {tcp_stream, tcp_stream}, {unix_stream, tcp_stream}, {tcp_stream, unix_stream}};
    const std::string content = pattern(3 << 20, 9);
    for (const auto& [make_from, make_to] : kinds) {
      for (uint64_t limit : {kCopyAll, uint64_t{3 << 20}, uint64_t{100'001}, uint64_t{0}}) {
        Stream from = make_from();
        Stream to = make_to();
        const size_t want = std::min<uint64_t>(limit, content.size());
        WaitGroup done;
        in_background(done, [&] {
          (void)from.near.write(content.data(), content.size());
          (void)from.near.close();
        });
        in_background(done, [&] {
          const CopyResult r = copy(to.far, from.far, limit);
          EXPECT_FALSE(r.err) << r.err.message();
          EXPECT_EQ(r.n, want);
          EXPECT_FALSE(to.far.close());
          EXPECT_FALSE(from.far.close());
        });
        EXPECT_TRUE(read_all(to.near) == content.substr(0, want));
        done.wait();
      }
    }
  });
}

TEST_P(BulkTest, SpliceKnowsTheEndOfTheSourceAndAClosedOne) {
  run([](Runtime&) {
    const int before = open_fds();
    {
      Stream from = tcp_stream();
      Stream to = tcp_stream();
      EXPECT_FALSE(from.near.close());
      bulk_result r = splice(fd_of(to.far), fd_of(from.far), 100);
      EXPECT_TRUE(r.handled);
      EXPECT_FALSE(r.err);
      EXPECT_EQ(r.n, 0u);
      EXPECT_FALSE(from.far.close());
      r = splice(fd_of(to.far), fd_of(from.far), 100);
      EXPECT_TRUE(r.handled);
      EXPECT_EQ(r.err.code(), Errc::net_closing);
      EXPECT_EQ(to.far.write("usable", 6).n, 6u);
    }
    EXPECT_EQ(open_fds(), before);  // no pipe is left
  });
}

TEST_P(BulkTest, ShortWritesOfTheSourceArriveBeforeTheEnd) {
  run([](Runtime&) {
    Stream from = unix_stream();
    Stream to = tcp_stream();
    WaitGroup done;
    in_background(done, [&] { EXPECT_EQ(copy(to.far, from.far, 6).n, 6u); });
    for (const char* part : {"ab", "cd", "ef"}) {
      EXPECT_EQ(from.near.write(part, 2).n, 2u);
      char buf[2];
      size_t have = 0;
      while (have < 2) have += to.near.read(buf + have, 2 - have).n;
      EXPECT_EQ(std::string(buf, 2), part);
    }
    done.wait();
  });
}

TEST_P(BulkTest, AProxyWhoseEndsCloseAtTheSameTimeEnds) {
  // Holding both locks at a time would make each copy's end wait for the other (Go's #25985).
  run([](Runtime& runtime) {
    for (int i = 0; i < 20; i++) {
      Stream a = tcp_stream();
      Stream b = tcp_stream();
      WaitGroup done;
      const auto proxy = [](Conn to, Conn from) {
        (void)copy(to, from);
        (void)to.close();
        (void)from.close();
      };
      in_background(done, [&] { proxy(a.far, b.far); });
      in_background(done, [&] { proxy(b.far, a.far); });
      ASSERT_TRUE(parked(runtime, 2));
      WaitGroup closers;
      in_background(closers, [&] { EXPECT_FALSE(a.near.close()); });
      EXPECT_FALSE(b.near.close());
      closers.wait();
      done.wait();
    }
  });
}

TEST_P(BulkTest, PacketsAreCopiedByHand) {
  run([](Runtime&) {
    UnixPair from = unix_pair(SOCK_SEQPACKET);
    Pair to = connected_pair();
    EXPECT_EQ(from.client.write("packet", 6).n, 6u);
    EXPECT_EQ(from.client.write("two", 3).n, 3u);
    EXPECT_FALSE(from.client.close());
    EXPECT_EQ(copy(to.client, from.server).n, 9u);
    EXPECT_EQ(read_exactly(to.server, 9), "packettwo");
  });
}

NETPOLL_FOR_WORKERS(BulkTest);

}  // namespace
}  // namespace netpoll::testing

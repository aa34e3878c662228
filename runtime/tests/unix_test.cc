// SPDX-License-Identifier: MIT
// The unix domain: streams, packets, datagrams, names, passed descriptors (net/unixsock_test.go,
// server_test.go).
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>

#include "endpoints.h"

namespace netpoll::testing {
namespace {

class UnixTest : public WorkersTest {};

bool exists(const Address& a) {
  struct stat st;
  return stat(std::string(a.unix_name()).c_str(), &st) == 0;
}

TEST_P(UnixTest, StreamsEchoAndThePathGoesWithTheListener) {
  TempDir dir;
  run([&](Runtime&) {
    const Address at = dir.socket("s");
    auto [l, err] = listen_unix(at);
    ASSERT_FALSE(err) << err.message();
    EXPECT_EQ(l.addr(), at);
    EXPECT_TRUE(exists(at));
    WaitGroup done;
    for (int i = 0; i < 3; i++) {
      in_background(done, [l = l]() mutable {
        UnixConn c = l.accept().value;
        const std::string s = read_all(c);
        EXPECT_EQ(c.write(s.data(), s.size()).n, s.size());
        EXPECT_FALSE(c.close());
      });
      UnixConn c = dial_unix(at).value;
      EXPECT_EQ(c.remote_addr(), at);
      EXPECT_EQ(c.local_addr().to_string(), "@");
      const std::string s = pattern(100'000, i);
      EXPECT_EQ(c.write(s.data(), s.size()).n, s.size());
      EXPECT_FALSE(c.close_write());
      EXPECT_EQ(read_all(c), s);
    }
    done.wait();
    EXPECT_FALSE(l.close());
    EXPECT_FALSE(exists(at));
    const Error gone = dial_unix(at).err;
    EXPECT_EQ(gone.message(),
              "dial unix " + at.to_string() + ": connect: no such file or directory");
  });
}

TEST_P(UnixTest, ThePathIsRemovedOnceAndOnlyIfWanted) {
  TempDir dir;
  run([&](Runtime&) {
    const Address at = dir.socket("s");
    {
      UnixListener l = listen_unix(at).value;
      EXPECT_EQ(listen_unix(at).err.sys_errno(), EADDRINUSE);  // and it did not remove the path
      EXPECT_TRUE(exists(at));
    }  // dropped without close
    EXPECT_FALSE(exists(at));

    UnixListener first = listen_unix(at).value;
    EXPECT_FALSE(first.close());
    UnixListener second = listen_unix(at).value;
    EXPECT_EQ(first.close().code(), Errc::net_closing);
    first = {};
    EXPECT_TRUE(exists(at)) << "the path was the second one's";
    second.set_unlink_on_close(false);
    EXPECT_FALSE(second.close());
    EXPECT_TRUE(exists(at));
  });
}

TEST_P(UnixTest, AbstractNamesLeaveNoTrace) {
  run([](Runtime&) {
    const Address at = Address::unix_name("@netpoll-test-" + std::to_string(getpid()));
    UnixListener l = listen_unix(at).value;
    EXPECT_EQ(l.addr(), at);
    UnixConn c = dial_unix(at).value;
    EXPECT_EQ(c.remote_addr(), at);
    UnixConn s = l.accept().value;
    EXPECT_EQ(s.write("x", 1).n, 1u);
    char b;
    EXPECT_EQ(c.read(&b, 1).n, 1u);
    EXPECT_FALSE(l.close());
    EXPECT_EQ(dial_unix(at).err.sys_errno(), ECONNREFUSED);
  });
}

TEST_P(UnixTest, PacketsKeepTheirBordersAndHaveAnEnd) {
  TempDir dir;
  run([&](Runtime&) {
    UnixListener l = listen_unixpacket(dir.socket("p")).value;
    UnixConn c = dial_unixpacket(l.addr()).value;
    UnixConn s = l.accept().value;
    for (const char* text : {"one", "two"}) EXPECT_EQ(c.write(text, 3).n, 3u);
    char buf[16];
    EXPECT_EQ(s.read(buf, sizeof buf).n, 3u);
    EXPECT_EQ(s.read(buf, 1).n, 1u);  // cuts
    EXPECT_FALSE(c.close());
    const Error end = s.read(buf, sizeof buf).err;
    EXPECT_EQ(end.code(), Errc::eof);
    EXPECT_EQ(end.message(), "EOF");
  });
}

TEST_P(UnixTest, DatagramsGoToNamesAndBack) {
  TempDir dir;
  run([&](Runtime& runtime) {
    UnixConn a = listen_unixgram(dir.socket("a")).value;
    UnixConn b = listen_unixgram(dir.socket("b")).value;
    WaitGroup done;
    in_background(done, [&] {
      for (const char* want : {"hello", "", "end"}) {
        char buf[16];
        const PacketResult r = b.read_from(buf, sizeof buf);
        EXPECT_FALSE(r.err) << r.err.message();
        EXPECT_EQ(std::string(buf, r.n), want);
        EXPECT_EQ(r.from, a.local_addr());
      }
    });
    ASSERT_TRUE(parked(runtime, 1));
    for (const char* s : {"hello", "", "end"}) {
      EXPECT_EQ(a.write_to(s, strlen(s), b.local_addr()).n, strlen(s));
    }
    done.wait();
    // A sender without a name, connected; no buffer takes the datagram.
    UnixConn c = dial_unixgram(b.local_addr()).value;
    EXPECT_EQ(c.write("x", 1).n, 1u);
    const PacketResult r = b.read_from(nullptr, 0);
    EXPECT_FALSE(r.err);
    EXPECT_TRUE(r.from.empty() || r.from.unix_name().empty());
    EXPECT_EQ(c.write_to("x", 1, a.local_addr()).err.code(), Errc::write_to_connected);
    // A dial may have a name of its own.
    DialOptions named;
    named.local = dir.socket("c");
    UnixConn d = dial_unixgram(b.local_addr(), named).value;
    EXPECT_EQ(d.write("y", 1).n, 1u);
    char buf[4];
    EXPECT_EQ(b.read_from(buf, sizeof buf).from, named.local);
    EXPECT_EQ(b.write_to("z", 1, named.local).n, 1u);
    EXPECT_EQ(d.read(buf, sizeof buf).n, 1u);
  });
}

TEST_P(UnixTest, ADatagramThatDoesNotFitTheQueueWaits) {
  TempDir dir;
  run([&](Runtime& runtime) {
    UnixConn b = listen_unixgram(dir.socket("b")).value;
    UnixConn c = dial_unixgram(b.local_addr()).value;
    constexpr int count = 500;  // more than net.unix.max_dgram_qlen
    WaitGroup done;
    in_background(done, [&] {
      for (int i = 0; i < count; i++) EXPECT_EQ(c.write("12345678", 8).n, 8u);
    });
    ASSERT_TRUE(parked(runtime, 1));
    char buf[16];
    for (int i = 0; i < count; i++) EXPECT_EQ(b.read(buf, sizeof buf).n, 8u);
    done.wait();
  });
}

TEST_P(UnixTest, TheEndOfAStreamShowsInEveryWayToRead) {
  run([](Runtime&) {
    UnixPair p = unix_pair();
    EXPECT_FALSE(p.client.close());
    char b;
    EXPECT_EQ(p.server.read(&b, 1).err.code(), Errc::eof);
    EXPECT_EQ(p.server.read_from(&b, 1).err.code(), Errc::eof);
    EXPECT_EQ(p.server.read_msg(&b, 1, nullptr, 0).err.code(), Errc::eof);
  });
}

TEST_P(UnixTest, PassedDescriptorsAreCloseOnExec) {
  run([](Runtime&) {
    UnixPair p = unix_pair();
    alignas(cmsghdr) char oob[CMSG_SPACE(sizeof(int))] = {};
    auto* head = reinterpret_cast<cmsghdr*>(oob);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    const int passed = p.client.dup().value;
    memcpy(CMSG_DATA(head), &passed, sizeof passed);
    EXPECT_EQ(p.client.write_msg("x", 1, oob, sizeof oob).n, 1u);
    EXPECT_EQ(::close(passed), 0);
    memset(oob, 0, sizeof oob);
    char b;
    const MessageResult m = p.server.read_msg(&b, 1, oob, sizeof oob);
    ASSERT_FALSE(m.err) << m.err.message();
    ASSERT_EQ(m.oob_n, sizeof oob);
    int fd;
    memcpy(&fd, CMSG_DATA(head), sizeof fd);
    EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    EXPECT_EQ(::close(fd), 0);
  });
}

TEST_P(UnixTest, CloseReadAndCloseWrite) {
  TempDir dir;
  for (int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    run([&](Runtime&) {
      UnixPair p = unix_pair(type);
      EXPECT_FALSE(p.client.close_read());
      char b;
      const IoResult r = p.client.read(&b, 1);
      EXPECT_EQ(r.n, 0u);
      EXPECT_TRUE(r.err);
      EXPECT_FALSE(p.client.close_write());
      EXPECT_EQ(p.server.read(&b, 1).err.code(), Errc::eof);
      EXPECT_EQ(p.client.write("x", 1).err.sys_errno(), EPIPE);
    });
  }
}

TEST_P(UnixTest, AdoptTellsTheKindsApart) {
  run([](Runtime&) {
    const auto socket_of = [](int family, int type) {
      return ::socket(family, type | SOCK_CLOEXEC, 0);
    };
    const int before = open_fds();
    EXPECT_EQ(TcpConn::adopt(socket_of(AF_UNIX, SOCK_STREAM)).err.sys_errno(), EPROTONOSUPPORT);
    EXPECT_EQ(UdpConn::adopt(socket_of(AF_INET, SOCK_STREAM)).err.sys_errno(), EPROTONOSUPPORT);
    EXPECT_EQ(UnixConn::adopt(socket_of(AF_INET, SOCK_STREAM)).err.sys_errno(), EPROTONOSUPPORT);
    EXPECT_EQ(TcpListener::adopt(socket_of(AF_INET, SOCK_STREAM)).err.sys_errno(),
              EPROTONOSUPPORT);  // does not listen
    const Error err = TcpConn::adopt(open("/dev/null", O_RDONLY | O_CLOEXEC)).err;
    EXPECT_EQ(err.message(), "file file+net: getsockopt: socket operation on non-socket");
    EXPECT_EQ(open_fds(), before);  // taken over and closed
    EXPECT_EQ(TcpConn::adopt(-1).err.sys_errno(), EBADF);
  });
}

TEST_P(UnixTest, TooLongANameIsAnError) {
  run([](Runtime&) {
    const Address at = Address::unix_name("/tmp/" + std::string(200, 'x'));
    EXPECT_EQ(listen_unix(at).err.message(),
              "listen unix " + at.to_string() + ": invalid argument");
    EXPECT_EQ(dial_unix(at).err.message(), "dial unix " + at.to_string() + ": invalid argument");
    EXPECT_EQ(dial_unix(Ipv4Endpoint::loopback(1)).err.code(), Errc::address_type);
    EXPECT_EQ(dial_unix({}).err.code(), Errc::missing_address);
    EXPECT_EQ(listen_unix({}).err.code(), Errc::missing_address);
  });
}

NETPOLL_FOR_WORKERS(UnixTest);

}  // namespace
}  // namespace netpoll::testing

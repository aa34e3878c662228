// SPDX-License-Identifier: MIT
// Connections that work: data arrives whole and in order, ends are seen, errors have the right
// shape.
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "endpoints.h"
#include "src/socket_address.h"

namespace netpoll::testing {
namespace {

class NetTest : public WorkersTest {};

void echo(TcpConn c) {
  char buf[8192];
  for (;;) {
    const IoResult r = c.read(buf, sizeof buf);
    if (r.err) {
      EXPECT_EQ(r.err.code(), Errc::eof) << r.err.message();
      EXPECT_EQ(r.n, 0u);
      return;
    }
    const IoResult w = c.write(buf, r.n);
    EXPECT_FALSE(w.err) << w.err.message();
    EXPECT_EQ(w.n, r.n);
  }
}

void serve_echo(TcpListener l) {
  for (;;) {
    auto [conn, err] = l.accept();
    if (err) {
      EXPECT_EQ(err.code(), Errc::net_closing) << err.message();
      return;
    }
    go([c = conn] { echo(c); });
  }
}

TEST_P(NetTest, EchoWithManyClientsAndAllSizes) {
  run([](Runtime&) {
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    go([l] { serve_echo(l); });
    WaitGroup done;
    done.add(16);
    for (int i = 0; i < 16; i++) {
      go([&, i] {
        auto [c, err] = dial_tcp(l.addr());
        EXPECT_FALSE(err) << err.message();
        for (int k = 0; k < 200; k++) {
          const std::string sent = pattern(1 + (k * 37 + i) % 4000, i * 1000 + k);
          EXPECT_EQ(c.write(sent.data(), sent.size()).n, sent.size());
          ASSERT_EQ(read_exactly(c, sent.size()), sent);
        }
        done.done();
      });
    }
    done.wait();
    EXPECT_FALSE(l.close());
  });
}

TEST_P(NetTest, BigTransfersAreByteExactBothWaysAtOnce) {
  run([](Runtime&) {
    Pair p = connected_pair();
    const std::string a = pattern(8 << 20, 1);
    const std::string b = pattern(8 << 20, 2);
    WaitGroup done;
    done.add(3);
    const auto send = [&](TcpConn& c, const std::string& s) {
      const IoResult r = c.write(s.data(), s.size());
      EXPECT_FALSE(r.err) << r.err.message();
      EXPECT_EQ(r.n, s.size());
      EXPECT_FALSE(c.close_write());
      done.done();
    };
    go([&] { send(p.client, a); });
    go([&] { send(p.server, b); });
    go([&] {
      EXPECT_TRUE(read_exactly(p.server, a.size()) == a);
      char c;
      EXPECT_EQ(p.server.read(&c, 1).err.code(), Errc::eof);
      done.done();
    });
    EXPECT_TRUE(read_exactly(p.client, b.size()) == b);
    char c;
    EXPECT_EQ(p.client.read(&c, 1).err.code(), Errc::eof);
    done.wait();
  });
}

TEST_P(NetTest, AThousandConnectionsAtOnce) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < 2100) {
    limit.rlim_cur = 2100;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) GTEST_SKIP() << "too few descriptors allowed";
  }
  run([](Runtime& runtime) {
    constexpr int count = 1000;
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    go([l] { serve_echo(l); });
    std::vector<TcpConn> conns(count);
    for (int i = 0; i < count; i++) {
      auto [c, err] = dial_tcp(l.addr());
      ASSERT_FALSE(err) << err.message();
      conns[i] = c;
    }
    ASSERT_TRUE(eventually([&] { return runtime.counters().live_poll_descs == 2 * count + 1; }))
        << runtime.counters().live_poll_descs;
    WaitGroup done;
    done.add(count);
    for (int i = 0; i < count; i++) {
      go([&, i] {
        const std::string sent = pattern(100, i);
        EXPECT_EQ(conns[i].write(sent.data(), sent.size()).n, sent.size());
        EXPECT_EQ(read_exactly(conns[i], sent.size()), sent);
        EXPECT_FALSE(conns[i].close());
        done.done();
      });
    }
    done.wait();
    EXPECT_FALSE(l.close());
  });
}

TEST_P(NetTest, DataAndEndOfStreamInOneEventAreBothSeen) {
  // The read of the data is short, and no further edge comes for the end of stream: the next read
  // must not wait for one.
  run([](Runtime& runtime) {
    for (int i = 0; i < 50; i++) {
      Pair p = connected_pair();
      std::string got;
      Error end;
      WaitGroup done;
      done.add(1);
      go([&] {
        char buf[64];
        for (;;) {
          const IoResult r = p.server.read(buf, sizeof buf);
          if (r.err) {
            end = r.err;
            break;
          }
          got.append(buf, r.n);
        }
        done.done();
      });
      if (i % 2) {
        ASSERT_TRUE(parked(runtime, 1));
      }
      EXPECT_EQ(p.client.write("last words", 10).n, 10u);
      if (i % 3) {
        EXPECT_FALSE(p.client.close());
      } else {
        EXPECT_FALSE(p.client.close_write());
      }
      done.wait();
      EXPECT_EQ(got, "last words");
      EXPECT_EQ(end.code(), Errc::eof);
    }
  });
}

TEST_P(NetTest, UrgentDataDoesNotHideTheDataBehindIt) {
  run([](Runtime&) {
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    // A plain socket as the client: the library has no way to send urgent data.
    const int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socket_address to;
    ASSERT_FALSE(to_socket_address(l.addr(), AF_INET, &to));
    ASSERT_EQ(connect(s, &to.any, to.len), 0);
    TcpConn c = l.accept().value;
    ASSERT_EQ(send(s, "abc", 3, 0), 3);
    ASSERT_EQ(send(s, "!", 1, MSG_OOB), 1);
    ASSERT_EQ(send(s, "def", 3, 0), 3);
    EXPECT_FALSE(c.set_read_deadline(Clock::now() + std::chrono::seconds(10)));
    EXPECT_EQ(read_exactly(c, 6), "abcdef");  // would time out half way
    close(s);
  });
}

TEST_P(NetTest, HalfCloseLetsTheOtherDirectionGoOn) {
  run([](Runtime&) {
    Pair p = connected_pair();
    EXPECT_FALSE(p.client.close_write());
    char c;
    EXPECT_EQ(p.server.read(&c, 1).err.code(), Errc::eof);
    EXPECT_EQ(p.client.write("x", 1).err.sys_errno(), EPIPE);  // and no SIGPIPE
    EXPECT_EQ(p.server.write("answer", 6).n, 6u);
    EXPECT_EQ(read_exactly(p.client, 6), "answer");
    EXPECT_FALSE(p.server.close_write());
    EXPECT_EQ(p.client.read(&c, 1).err.code(), Errc::eof);
  });
}

TEST_P(NetTest, CloseReadEndsABlockedRead) {
  run([](Runtime& runtime) {
    Pair p = connected_pair();
    WaitGroup done;
    std::atomic<bool> first_read{false};
    done.add(1);
    go([&] {
      char buf[8];
      EXPECT_EQ(p.server.read(buf, sizeof buf).n, 1u);  // short: the next read waits first
      first_read = true;
      EXPECT_EQ(p.server.read(buf, sizeof buf).err.code(), Errc::eof);
      done.done();
    });
    EXPECT_EQ(p.client.write("x", 1).n, 1u);
    ASSERT_TRUE(eventually([&] { return first_read.load(); }));
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_FALSE(p.server.close_read());
    done.wait();
  });
}

TEST_P(NetTest, ZeroLengthReadsReturnAtOnceUntilClosed) {
  run([](Runtime&) {
    Pair p = connected_pair();
    EXPECT_FALSE(p.server.set_deadline(Clock::now() - milliseconds(1)));
    const IoResult r = p.server.read(nullptr, 0);
    EXPECT_FALSE(r.err);
    EXPECT_EQ(r.n, 0u);
    EXPECT_FALSE(p.server.close());
    EXPECT_EQ(p.server.read(nullptr, 0).err.code(), Errc::net_closing);
  });
}

TEST_P(NetTest, AResetIsAnErrorNotAnEnd) {
  run([](Runtime&) {
    Pair p = connected_pair();
    WaitGroup done;
    done.add(1);
    go([&] {
      char c;
      const IoResult r = p.server.read(&c, 1);
      EXPECT_EQ(r.err.sys_errno(), ECONNRESET);
      EXPECT_EQ(r.err.op(), "read");
      EXPECT_EQ(r.err.syscall(), "read");
      EXPECT_FALSE(r.err.temporary());
      EXPECT_FALSE(r.err.timeout());
      done.done();
    });
    EXPECT_FALSE(p.client.set_linger(0));
    EXPECT_FALSE(p.client.close());
    done.wait();
  });
}

TEST_P(NetTest, AddressesAgree) {
  run([](Runtime&) {
    Pair p = connected_pair();
    EXPECT_EQ(p.client.local_addr(), p.server.remote_addr());
    EXPECT_EQ(p.client.remote_addr(), p.server.local_addr());
    EXPECT_NE(p.client.local_addr().port(), 0);
    EXPECT_EQ(p.client.local_addr().ipv4().address_host_order, 0x7f000001u);
  });
}

TEST_P(NetTest, AcceptedDescriptorsAreNonBlockingAndCloseOnExec) {
  run([](Runtime&) {
    const int next_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);  // the lowest free number
    close(next_fd);
    Pair p = connected_pair();  // listener, client, server, in this order
    int found = 0;
    for (int fd = next_fd; fd < next_fd + 4; fd++) {
      Address peer;
      if (remote_address(fd, &peer) != 0) continue;
      found++;
      EXPECT_TRUE(fcntl(fd, F_GETFL) & O_NONBLOCK);
      EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    }
    EXPECT_EQ(found, 2);
  });
}

TEST_P(NetTest, AcceptSurvivesRunningOutOfDescriptors) {
  run([](Runtime&) {
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    TcpConn client = dial_tcp(l.addr()).value;
    ASSERT_TRUE(client.valid());
    std::vector<int> hoard;
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    rlimit tight = before;
    tight.rlim_cur = 256;
    const int first = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    hoard.push_back(first);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
    for (int fd; (fd = dup(first)) >= 0;) hoard.push_back(fd);
    const Error err = l.accept().err;
    for (int fd : hoard) close(fd);
    setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(err.sys_errno(), EMFILE);
    EXPECT_EQ(err.op(), "accept");
    EXPECT_EQ(err.syscall(), "accept4");
    EXPECT_TRUE(err.temporary());
    // The connection is still queued, and there is no new edge for it.
    auto [server, again] = l.accept();
    EXPECT_FALSE(again) << again.message();
    EXPECT_EQ(server.write("x", 1).n, 1u);
    EXPECT_EQ(read_exactly(client, 1), "x");
  });
}

TEST_P(NetTest, TheDescriptorThatCannotBeRegisteredIsClosedTheListenerStays) {
  const int before = open_fds();
  RuntimeOptions options = with_workers(GetParam());
  options.poll_descs_max = 2;  // the listener and one more
  Runtime runtime(options);
  runtime.run([] {
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    TcpConn client = dial_tcp(l.addr()).value;
    ASSERT_TRUE(client.valid());
    const int open_before = open_fds();
    EXPECT_EQ(l.accept().err.sys_errno(), ENOMEM);
    EXPECT_EQ(open_fds(), open_before);
    char c;
    EXPECT_TRUE(client.read(&c, 1).err);  // its peer has been closed
    EXPECT_FALSE(client.close());
    TcpConn second = dial_tcp(l.addr()).value;
    EXPECT_TRUE(second.valid());
  });
  EXPECT_EQ(open_fds(), before + 2);  // epoll and eventfd of the runtime still here
}

TEST_P(NetTest, ManyAcceptorsShareOneListener) {
  run([](Runtime&) {
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    std::atomic<int> accepted{0};
    WaitGroup acceptors;
    acceptors.add(10);
    for (int i = 0; i < 10; i++) {
      go([&] {
        for (;;) {
          auto [c, err] = l.accept();
          if (err) {
            EXPECT_EQ(err.code(), Errc::net_closing);
            break;
          }
          accepted++;
        }
        acceptors.done();
      });
    }
    for (int i = 0; i < 100; i++) EXPECT_FALSE(dial_tcp(l.addr()).err);
    ASSERT_TRUE(eventually([&] { return accepted == 100; }));
    EXPECT_FALSE(l.close());
    acceptors.wait();
  });
}

TEST_P(NetTest, ListenErrors) {
  run([](Runtime&) {
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    const Error err = listen_tcp(l.addr()).err;
    EXPECT_EQ(err.sys_errno(), EADDRINUSE);
    EXPECT_EQ(err.op(), "listen");
    EXPECT_EQ(err.syscall(), "bind");
    const uint16_t port = l.addr().port();
    EXPECT_FALSE(l.close());
    EXPECT_FALSE(listen_tcp(Ipv4Endpoint::loopback(port)).err);  // free again at once
  });
}

TEST_P(NetTest, EmptyHandlesAnswerInvalid) {
  run([](Runtime&) {
    TcpConn c;
    TcpListener l;
    char b;
    EXPECT_EQ(c.read(&b, 1).err.sys_errno(), EINVAL);
    EXPECT_EQ(c.write(&b, 1).err.sys_errno(), EINVAL);
    EXPECT_EQ(c.close().sys_errno(), EINVAL);
    EXPECT_EQ(c.set_deadline({}).sys_errno(), EINVAL);
    EXPECT_EQ(l.accept().err.sys_errno(), EINVAL);
    EXPECT_EQ(l.close().sys_errno(), EINVAL);
    EXPECT_EQ(c.read(&b, 1).err.message(), "invalid argument");
    EXPECT_TRUE(l.addr().empty());
  });
}

NETPOLL_FOR_WORKERS(NetTest);

}  // namespace
}  // namespace netpoll::testing

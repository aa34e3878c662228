// SPDX-License-Identifier: MIT
// TCP's own: IPv6, options of listeners and dials, keep-alive, half-close, adopt and dup
// (net/tcpsock_test.go, listen_test.go, dial_test.go, file_test.go, net_test.go).
#include <netinet/tcp.h>

#include <atomic>

#include "count_allocations.h"
#include "endpoints.h"
#include "src/socket_address.h"

namespace netpoll::testing {
namespace {

class TcpTest : public WorkersTest {};

int option(const Descriptor& d, int level, int name) {
  int value = -1;
  EXPECT_EQ(sys_getsockopt_int(d.impl()->pfd.sysfd(), level, name, &value), 0);
  return value;
}

TEST_P(TcpTest, Ipv6EchoesAndNamesItsEnds) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no IPv6";
  run([](Runtime&) {
    TcpListener l = listen_tcp(Ipv6Endpoint::loopback(0)).value;
    ASSERT_TRUE(l.valid());
    TcpConn c = dial_tcp(l.addr()).value;
    TcpConn s = l.accept().value;
    EXPECT_EQ(c.remote_addr(), l.addr());
    EXPECT_EQ(s.remote_addr(), c.local_addr());
    EXPECT_EQ(c.local_addr().host(), "::1");
    EXPECT_EQ(c.write("six", 3).n, 3u);
    EXPECT_EQ(read_exactly(s, 3), "six");
    EXPECT_FALSE(s.close());
    char b;
    EXPECT_EQ(s.read(&b, 1).err.message(), "read tcp " + s.local_addr().to_string() + "->" +
                                               s.remote_addr().to_string() +
                                               ": use of closed network connection");
  });
}

TEST_P(TcpTest, OneListenerForBothFamilies) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no IPv6";
  run([](Runtime&) {
    auto [l, err] = listen_tcp(Ipv6Endpoint::any(0), {.dual_stack = true});
    ASSERT_FALSE(err) << err.message();
    TcpConn four = dial_tcp(Ipv4Endpoint::loopback(l.addr().port())).value;
    TcpConn server = l.accept().value;
    EXPECT_EQ(server.remote_addr(), four.local_addr());  // not the mapped form
    EXPECT_EQ(server.local_addr().host(), "127.0.0.1");
    // Any address, dialled, is this machine.
    TcpConn six = dial_tcp(Ipv6Endpoint::any(l.addr().port())).value;
    EXPECT_EQ(six.remote_addr().host(), "::1");
    TcpConn any = dial_tcp(Ipv4Endpoint::any(l.addr().port())).value;
    EXPECT_EQ(any.remote_addr().host(), "127.0.0.1");
  });
}

TEST_P(TcpTest, KeepAliveIsOnByDefaultAndConfigurable) {
  run([](Runtime&) {
    using std::chrono::seconds;
    ListenConfig config;
    config.keep_alive = {.enable = true, .idle = seconds(7), .interval = seconds(0), .count = 3};
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0), config).value;
    TcpConn c = dial_tcp(l.addr()).value;
    TcpConn s = l.accept().value;
    EXPECT_EQ(option(c, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(c, IPPROTO_TCP, TCP_KEEPIDLE), 15);
    EXPECT_EQ(option(c, IPPROTO_TCP, TCP_KEEPINTVL), 15);
    EXPECT_EQ(option(c, IPPROTO_TCP, TCP_KEEPCNT), 9);
    EXPECT_EQ(option(c, IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option(s, IPPROTO_TCP, TCP_KEEPIDLE), 7);
    EXPECT_EQ(option(s, IPPROTO_TCP, TCP_KEEPINTVL), 75);  // the kernel's own, tcp(7)
    EXPECT_EQ(option(s, IPPROTO_TCP, TCP_KEEPCNT), 3);
    EXPECT_FALSE(s.set_keep_alive({.enable = false}));
    EXPECT_EQ(option(s, SOL_SOCKET, SO_KEEPALIVE), 0);
    EXPECT_FALSE(s.set_keep_alive({.idle = seconds(30)}));
    EXPECT_EQ(option(s, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(s, IPPROTO_TCP, TCP_KEEPIDLE), 30);
    EXPECT_EQ(s.set_keep_alive({.idle = seconds(1 << 20)}).sys_errno(), EINVAL);
    DialOptions off;
    off.keep_alive.enable = false;
    EXPECT_EQ(option(dial_tcp(l.addr(), off).value, SOL_SOCKET, SO_KEEPALIVE), 0);
  });
}

TEST_P(TcpTest, SettersReachTheSocket) {
  run([](Runtime&) {
    Pair p = connected_pair();
    EXPECT_FALSE(p.client.set_no_delay(false));
    EXPECT_EQ(option(p.client, IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_FALSE(p.client.set_read_buffer(10'000));
    EXPECT_FALSE(p.client.set_write_buffer(20'000));
    EXPECT_EQ(option(p.client, SOL_SOCKET, SO_RCVBUF), 20'000);  // doubled, socket(7)
    EXPECT_EQ(option(p.client, SOL_SOCKET, SO_SNDBUF), 40'000);
    EXPECT_FALSE(p.client.close());
    const std::string who = p.client.local_addr().to_string();
    EXPECT_EQ(p.client.set_read_buffer(1).message(),
              "set tcp " + who + ": use of closed network connection");
    EXPECT_EQ(p.client.set_no_delay(true).code(), Errc::net_closing);
    EXPECT_EQ(p.client.set_linger(1).code(), Errc::net_closing);
    EXPECT_EQ(p.client.set_keep_alive({}).code(), Errc::net_closing);
  });
}

TEST_P(TcpTest, ControlHooksSeeTheBareSocket) {
  run([](Runtime&) {
    std::vector<std::string> calls;
    const ControlHook hook = [&](std::string_view network, const Address&, int fd) {
      Address peer;
      EXPECT_EQ(remote_address(fd, &peer), -ENOTCONN);
      calls.push_back(std::string(network));
      return Error();
    };
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0), {.control = hook}).value;
    EXPECT_FALSE(dial_tcp(l.addr(), {.control = hook}).err);
    if (has_ipv6()) {
      EXPECT_FALSE(listen_tcp(Ipv6Endpoint::loopback(0), {.control = hook}).err);
    }
    EXPECT_FALSE(listen_udp(Ipv4Endpoint::loopback(0), {.control = hook}).err);
    EXPECT_FALSE(listen_unix(Address::unix_name("@netpoll-control"), {.control = hook}).err);
    std::vector<std::string> want{"tcp4", "tcp4", "tcp6", "udp4", "unix"};
    if (!has_ipv6()) want.erase(want.begin() + 2);
    EXPECT_EQ(calls, want);

    const ControlHook refuse = [](std::string_view, const Address&, int) {
      return Error::from_errno("setsockopt", EPERM);
    };
    EXPECT_EQ(listen_tcp(Ipv4Endpoint::loopback(0), {.control = refuse}).err.message(),
              "listen tcp 127.0.0.1:0: setsockopt: operation not permitted");
    const Error err = dial_tcp(l.addr(), {.control = refuse}).err;
    EXPECT_EQ(err.message(),
              "dial tcp " + l.addr().to_string() + ": setsockopt: operation not permitted");
  });
}

TEST_P(TcpTest, ReusePortLetsSeveralListenersShare) {
  run([](Runtime&) {
    TcpListener first = listen_tcp(Ipv4Endpoint::loopback(0), {.reuse_port = true}).value;
    EXPECT_FALSE(listen_tcp(first.addr(), {.reuse_port = true}).err);
    EXPECT_EQ(listen_tcp(first.addr()).err.sys_errno(), EADDRINUSE);
  });
}

TEST_P(TcpTest, TheBacklogLimitsWhatIsQueued) {
  run([](Runtime&) {
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0), {.backlog = 1}).value;
    std::vector<TcpConn> conns;
    Error err;
    // Linux queues one more than asked for; the next SYN gets no answer.
    for (int i = 0; i < 3 && !err; i++) {
      auto r = dial_tcp(l.addr(), {.timeout = milliseconds(100)});
      err = r.err;
      conns.push_back(std::move(r.value));
    }
    EXPECT_EQ(err.code(), Errc::timeout) << err.message();
  });
}

TEST_P(TcpTest, ADialMayChooseItsOwnEnd) {
  run([](Runtime&) {
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    DialOptions from;
    from.local = Ipv4Endpoint{0x7f000002, 0};
    TcpConn c = dial_tcp(l.addr(), from).value;
    EXPECT_EQ(c.local_addr().host(), "127.0.0.2");
    EXPECT_EQ(l.accept().value.remote_addr(), c.local_addr());
    from.local = Ipv6Endpoint::loopback(0);
    EXPECT_EQ(dial_tcp(l.addr(), from).err.code(), Errc::non_ipv4_address);
    from.local = Ipv4Endpoint{0xc0000201, 0};  // 192.0.2.1, nobody's (RFC 5737)
    const Error err = dial_tcp(l.addr(), from).err;
    EXPECT_EQ(err.message(), "dial tcp 192.0.2.1:0->" + l.addr().to_string() +
                                 ": bind: cannot assign requested address");
    EXPECT_EQ(err.source(), from.local);
  });
}

TEST_P(TcpTest, AListenersTextCanBeDialled) {
  run([](Runtime&) {
    std::vector<Address> places{Ipv4Endpoint::loopback(0), Ipv4Endpoint::any(0)};
    if (has_ipv6()) places.insert(places.end(), {Ipv6Endpoint::loopback(0), Ipv6Endpoint::any(0)});
    for (const Address& at : places) {
      TcpListener l = listen_tcp(at).value;
      const auto parsed = Address::parse(l.addr().to_string());
      ASSERT_TRUE(parsed) << l.addr().to_string();
      EXPECT_FALSE(dial_tcp(*parsed).err);
    }
  });
}

// Lets a socket have just one local port. IP_LOCAL_PORT_RANGE, Linux 6.3.
Error only_port(int fd, uint16_t port) {
  const uint32_t range = uint32_t{port} << 16 | port;
  const int r = sys_setsockopt(fd, IPPROTO_IP, 51, &range, sizeof range);
  return r < 0 ? Error::from_errno("setsockopt", -r) : Error();
}

TEST_P(TcpTest, ADialThatMeetsItselfTriesTwiceMore) {
  run([](Runtime&) {
    const Address nobody = listen_tcp(Ipv4Endpoint::loopback(0)).value.addr();
    int attempts = 0;
    const ControlHook hook = [&](std::string_view, const Address&, int fd) {
      attempts++;
      const linger reset{1, 0};  // or the port would not be free for the next attempt (TIME_WAIT)
      EXPECT_EQ(sys_setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
      return only_port(fd, nobody.port());
    };
    auto [c, err] = dial_tcp(nobody, {.control = hook});
    if (err.syscall() == "setsockopt") GTEST_SKIP() << "IP_LOCAL_PORT_RANGE: " << err.message();
    ASSERT_FALSE(err) << err.message();
    EXPECT_EQ(c.local_addr(), c.remote_addr());  // in the end it has to do
    EXPECT_EQ(attempts, 3);
    attempts = 0;
    DialOptions fixed;
    fixed.control = [&](std::string_view, const Address&, int) { return attempts++, Error(); };
    fixed.local = nobody;
    EXPECT_FALSE(c.close());
    EXPECT_FALSE(dial_tcp(nobody, fixed).err);  // asked for
    EXPECT_EQ(attempts, 1);
  });
}

TEST_P(TcpTest, NoFreePortIsTriedTwiceMore) {
  run([](Runtime&) {
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    TcpListener blocker = listen_tcp(Ipv4Endpoint::loopback(0)).value;  // holds the only port
    int attempts = 0;
    const ControlHook hook = [&](std::string_view, const Address&, int fd) {
      attempts++;
      return only_port(fd, blocker.addr().port());
    };
    const Error err = dial_tcp(l.addr(), {.control = hook}).err;
    if (err.syscall() == "setsockopt") GTEST_SKIP() << "IP_LOCAL_PORT_RANGE: " << err.message();
    EXPECT_EQ(err.message(),
              "dial tcp " + l.addr().to_string() + ": connect: cannot assign requested address");
    EXPECT_EQ(attempts, 3);
  });
}

TEST_P(TcpTest, OneDirectionsPassedDeadlineLeavesTheOtherWaiting) {
  run([](Runtime& runtime) {
    Pair p = connected_pair();
    EXPECT_FALSE(p.client.set_write_deadline(Clock::now() - milliseconds(1)));
    EXPECT_FALSE(p.client.set_read_deadline({}));
    EXPECT_FALSE(p.server.set_read_deadline(Clock::now() - milliseconds(1)));
    EXPECT_FALSE(p.server.set_write_deadline({}));
    WaitGroup done;
    const auto expect_closed = [](const Error& err) {
      EXPECT_EQ(err.code(), Errc::net_closing) << err.message();
      EXPECT_FALSE(err.timeout());
      EXPECT_FALSE(err.temporary());
    };
    in_background(done, [&] {
      char b;
      expect_closed(p.client.read(&b, 1).err);
    });
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_FALSE(p.client.close());
    done.wait();

    Pair q = connected_pair();
    EXPECT_FALSE(q.client.set_read_deadline(Clock::now() - milliseconds(1)));
    in_background(done, [&] {
      const std::string much(64 << 20, 'x');
      expect_closed(q.client.write(much.data(), much.size()).err);
    });
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_FALSE(q.client.close());
    done.wait();
  });
}

TEST_P(TcpTest, AcceptFollowsItsDeadlineWhereverItMoves) {
  run([](Runtime& runtime) {
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    EXPECT_FALSE(l.set_deadline({}));
    EXPECT_FALSE(l.set_deadline(Clock::now() + milliseconds(10)));
    EXPECT_EQ(l.accept().err.code(), Errc::deadline_exceeded);
    EXPECT_FALSE(l.set_deadline(Clock::now() - std::chrono::seconds(5)));
    EXPECT_FALSE(l.set_deadline({}));
    WaitGroup done;
    in_background(done, [&] { EXPECT_EQ(l.accept().err.code(), Errc::net_closing); });
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_FALSE(l.close());
    done.wait();
  });
}

TEST_P(TcpTest, CloseReadAndCloseWrite) {
  run([](Runtime&) {
    Pair p = connected_pair();
    EXPECT_FALSE(p.client.close_read());
    char b;
    const IoResult r = p.client.read(&b, 1);
    EXPECT_EQ(r.n, 0u);
    EXPECT_EQ(r.err.code(), Errc::eof);
    for (TcpConn* own : {&p.client, &p.server}) {
      TcpConn& peer = own == &p.client ? p.server : p.client;
      EXPECT_FALSE(own->close_write());
      EXPECT_EQ(peer.read(&b, 1).err.code(), Errc::eof);
      const Error err = own->write("x", 1).err;
      EXPECT_EQ(err.sys_errno(), EPIPE);
      EXPECT_EQ(err.message(), "write tcp " + own->local_addr().to_string() + "->" +
                                   own->remote_addr().to_string() + ": write: broken pipe");
    }
  });
}

TEST_P(TcpTest, ADuplicateOutlivesTheOriginal) {
  run([](Runtime&) {
    Pair p = connected_pair();
    const auto [fd, err] = p.client.dup();
    ASSERT_FALSE(err) << err.message();
    EXPECT_FALSE(p.client.close());  // which must not shut the connection down
    auto [copy, adopt_err] = TcpConn::adopt(fd);
    ASSERT_FALSE(adopt_err) << adopt_err.message();
    EXPECT_EQ(copy.remote_addr(), p.server.local_addr());
    EXPECT_EQ(copy.write("still", 5).n, 5u);
    EXPECT_EQ(read_exactly(p.server, 5), "still");
    EXPECT_EQ(p.client.dup().err.message(), "file tcp " + p.client.local_addr().to_string() + "->" +
                                                p.client.remote_addr().to_string() +
                                                ": use of closed network connection");

    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    const Address at = l.addr();
    const auto [lfd, lerr] = l.dup();
    ASSERT_FALSE(lerr) << lerr.message();
    EXPECT_FALSE(l.close());
    auto [again, again_err] = TcpListener::adopt(lfd);
    ASSERT_FALSE(again_err) << again_err.message();
    EXPECT_EQ(again.addr(), at);
    TcpConn c = dial_tcp(at).value;
    EXPECT_TRUE(again.accept().value.valid());
    EXPECT_EQ(l.dup().err.code(), Errc::net_closing);
  });
}

TEST_P(TcpTest, RawAccessToAListenerIsControlOnly) {
  run([](Runtime&) {
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    int listening = 0;
    EXPECT_FALSE(l.raw_control(
        [&](int fd) { (void)sys_getsockopt_int(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening); }));
    EXPECT_EQ(listening, 1);
    EXPECT_FALSE(l.close());
    EXPECT_EQ(l.raw_control([](int) { ADD_FAILURE(); }).message(),
              "raw-control tcp " + l.addr().to_string() + ": use of closed network connection");
  });
}

TEST_P(TcpTest, CloseErrorsAreOfTheRightShape) {
  run([](Runtime&) {
    Pair p = connected_pair();
    EXPECT_FALSE(p.client.close());
    const std::string ends =
        p.client.local_addr().to_string() + "->" + p.client.remote_addr().to_string();
    for (int i = 0; i < 3; i++) {
      for (const Error& err : {p.client.close_read(), p.client.close_write(), p.client.close()}) {
        EXPECT_EQ(err.code(), Errc::net_closing);
        EXPECT_EQ(err.message(), "close tcp " + ends + ": use of closed network connection");
        EXPECT_FALSE(err.timeout());
        EXPECT_FALSE(err.temporary());
      }
    }
    EXPECT_EQ(p.client.set_deadline({}).message(), "set tcp " + p.client.local_addr().to_string() +
                                                       ": use of closed network connection");
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    const std::string at = l.addr().to_string();
    EXPECT_FALSE(l.set_deadline(Clock::now() - milliseconds(1)));
    EXPECT_EQ(l.accept().err.message(), "accept tcp " + at + ": i/o timeout");
    EXPECT_FALSE(l.close());
    EXPECT_EQ(l.accept().err.message(), "accept tcp " + at + ": use of closed network connection");
    EXPECT_EQ(l.close().message(), "close tcp " + at + ": use of closed network connection");
    // Go's TCPListener.SetDeadline returns it bare.
    EXPECT_EQ(l.set_deadline({}).message(), "use of closed network connection");
    EXPECT_EQ(listen_tcp(Ipv4Endpoint{0xc0000201, 80}).err.message(),
              "listen tcp 192.0.2.1:80: bind: cannot assign requested address");
    EXPECT_EQ(listen_tcp(Address::unix_name("/x")).err.message(),
              "listen tcp /x: address /x: unexpected address type");
  });
}

TEST_P(TcpTest, AListenerClosedWithAcceptWaitingFreesItsPortAtOnce) {
  run([](Runtime& runtime) {
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    const Address at = l.addr();
    for (int i = 0; i < 10; i++) {
      WaitGroup done;
      in_background(done, [l]() mutable { EXPECT_EQ(l.accept().err.code(), Errc::net_closing); });
      ASSERT_TRUE(parked(runtime, 1));
      EXPECT_FALSE(l.close());
      auto again = listen_tcp(at);
      ASSERT_FALSE(again.err) << again.err.message();
      l = again.value;
      done.wait();
    }
  });
}

TEST_P(TcpTest, AcceptAfterCloseGivesNoConnectionDialledBefore) {
  run([](Runtime&) {
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    TcpConn c = dial_tcp(l.addr()).value;
    EXPECT_FALSE(l.close());
    for (int i = 0; i < 3; i++) EXPECT_EQ(l.accept().err.code(), Errc::net_closing);
  });
}

TEST_P(TcpTest, AWriterWhoseReaderIsGoneWaitsAndDoesNotSpin) {
  run([](Runtime&) {
    // The peer half-closes and does not read: every event says RDHUP, and still it must wait.
    Pair p = connected_pair();
    EXPECT_FALSE(p.server.close_write());
    const std::string much(1 << 20, 'x');
    EXPECT_FALSE(p.client.set_write_deadline(Clock::now() + std::chrono::hours(1)));
    WaitGroup done;
    std::atomic<int> waits{0};
    in_background(done, [&] {
      const Error err = p.client.raw_write([&](int fd) {
        for (;;) {
          if (sys_send(fd, much.data(), much.size()) == -EAGAIN) break;
        }
        waits++;
        return false;
      });
      EXPECT_EQ(err.code(), Errc::deadline_exceeded);
    });
    ASSERT_TRUE(eventually([&] { return waits > 0; }));
    sleep_for(milliseconds(50));
    EXPECT_FALSE(p.client.set_write_deadline(Clock::now() - milliseconds(1)));
    done.wait();
    EXPECT_LE(waits, 20);
  });
}

TEST_P(TcpTest, FailingOperationsDoNotAllocate) {
  run([](Runtime& runtime) {
    Pair p = connected_pair();
    EXPECT_FALSE(p.client.set_deadline(Clock::now() - milliseconds(1)));
    const auto once = [&] {
      char b;
      EXPECT_TRUE(p.client.read(&b, 1).err.timeout());
      EXPECT_TRUE(p.client.write(&b, 1).err.timeout());
    };
    once();
    const uint64_t before = allocations();
    for (int i = 0; i < 1000; i++) once();
    // A worker thread may still be starting.
    EXPECT_LE(allocations() - before, static_cast<uint64_t>(runtime.workers()));
  });
}

NETPOLL_FOR_WORKERS(TcpTest);

}  // namespace
}  // namespace netpoll::testing

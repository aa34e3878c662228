// SPDX-License-Identifier: MIT
// Close at any time: everybody who waits comes back, nothing is used afterwards, nothing leaks.
#include <atomic>
#include <cerrno>

#include "support.h"

namespace netpoll::testing {
namespace {

class CloseTest : public WorkersTest {};

TEST_P(CloseTest, WakesReaderWriterAndAcceptor) {
  run([](Runtime& runtime) {
    Pair p = connected_pair();
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    WaitGroup done;
    done.add(3);
    const auto expect_closed = [](const Error& e, const char* op) {
      EXPECT_EQ(e.code(), Errc::net_closing) << e.message();
      EXPECT_EQ(e.op(), op);
      EXPECT_FALSE(e.timeout());
      EXPECT_FALSE(e.temporary());
    };
    go([&] {
      char c;
      expect_closed(p.server.read(&c, 1).err, "read");
      done.done();
    });
    go([&] {
      const std::string big(64 << 20, 'x');
      expect_closed(p.server.write(big.data(), big.size()).err, "write");
      done.done();
    });
    go([&] {
      expect_closed(l.accept().err, "accept");
      done.done();
    });
    ASSERT_TRUE(parked(runtime, 3));
    EXPECT_FALSE(p.server.close());
    EXPECT_FALSE(l.close());
    done.wait();
  });
}

TEST_P(CloseTest, WakesThoseWhoQueueForTheLock) {
  run([](Runtime& runtime) {
    Pair p = connected_pair();
    WaitGroup done;
    done.add(5);
    std::atomic<int> entered{0};
    for (int i = 0; i < 5; i++) {
      go([&] {
        char c;
        entered++;
        EXPECT_EQ(p.server.read(&c, 1).err.code(), Errc::net_closing);
        done.done();
      });
    }
    ASSERT_TRUE(parked(runtime, 1));
    ASSERT_TRUE(eventually([&] { return entered == 5; }));
    EXPECT_FALSE(p.server.close());
    done.wait();
  });
}

TEST_P(CloseTest, EverythingFailsAfterClose) {
  run([](Runtime&) {
    Pair p = connected_pair();
    EXPECT_FALSE(p.client.close());
    char c = 0;
    const struct {
      Error e;
      const char* op;
    } table[] = {
        {p.client.read(&c, 1).err, "read"},
        {p.client.write(&c, 1).err, "write"},
        {p.client.close(), "close"},
        {p.client.close_read(), "close"},
        {p.client.close_write(), "close"},
        {p.client.set_deadline(Clock::now()), "set"},
        {p.client.set_read_deadline({}), "set"},
        {p.client.set_write_deadline({}), "set"},
        {p.client.set_no_delay(true), "set"},
        {p.client.set_linger(1), "set"},
    };
    for (const auto& row : table) {
      EXPECT_EQ(row.e.code(), Errc::net_closing) << row.op;
      EXPECT_EQ(row.e.op(), row.op);
    }
  });
}

TEST_P(CloseTest, TheLastHandleCloses) {
  run([](Runtime&) {
    const int before = open_fds();
    {
      Pair p = connected_pair();
      EXPECT_EQ(open_fds(), before + 2);
      TcpConn copy = p.client;
      p.client = TcpConn();
      EXPECT_EQ(copy.write("x", 1).n, 1u);
    }
    EXPECT_EQ(open_fds(), before);
  });
}

TEST_P(CloseTest, ThePortIsFreeWhenCloseReturns) {
  run([](Runtime& runtime) {
    for (int i = 0; i < 50; i++) {
      TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
      WaitGroup done;
      done.add(1);
      go([&] {
        EXPECT_EQ(l.accept().err.code(), Errc::net_closing);
        done.done();
      });
      ASSERT_TRUE(parked(runtime, 1));
      EXPECT_FALSE(l.close());
      auto [again, err] = listen_tcp(l.addr());
      EXPECT_FALSE(err) << err.message();
      done.wait();
    }
  });
}

TEST_P(CloseTest, OnlyOneOfManyClosersSucceeds) {
  run([](Runtime&) {
    for (int i = 0; i < 100; i++) {
      Pair p = connected_pair();
      std::atomic<int> succeeded{0};
      WaitGroup done;
      done.add(4);
      for (int k = 0; k < 4; k++) {
        go([&] {
          const Error e = p.server.close();
          if (!e) {
            succeeded++;
          } else {
            EXPECT_EQ(e.code(), Errc::net_closing);
          }
          done.done();
        });
      }
      done.wait();
      EXPECT_EQ(succeeded, 1);
    }
  });
}

TEST_P(CloseTest, PeerCloseEndsABlockedRead) {
  run([](Runtime& runtime) {
    Pair p = connected_pair();
    WaitGroup done;
    done.add(1);
    go([&] {
      char c;
      EXPECT_EQ(p.server.read(&c, 1).err.code(), Errc::eof);
      done.done();
    });
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_FALSE(p.client.close());
    done.wait();
  });
}

TEST_P(CloseTest, CloseRacesReadsWritesAndDeadlines) {
  run([](Runtime&) {
    for (int i = 0; i < 150; i++) {
      Pair p = connected_pair();
      std::atomic<int> inside{0};
      WaitGroup done;
      done.add(4);
      go([&] {
        char buf[100];
        inside++;
        for (;;) {
          const IoResult r = p.server.read(buf, sizeof buf);
          if (r.err.code() == Errc::net_closing) break;
          EXPECT_TRUE(!r.err || r.err.code() == Errc::deadline_exceeded) << r.err.message();
          yield();  // an expired deadline fails without waiting
        }
        done.done();
      });
      go([&] {
        const std::string m(300, 'x');
        inside++;
        for (;;) {
          const IoResult r = p.server.write(m.data(), m.size());
          if (r.err.code() == Errc::net_closing) break;
          EXPECT_TRUE(!r.err || r.err.code() == Errc::deadline_exceeded) << r.err.message();
          yield();  // an expired deadline fails without waiting
        }
        done.done();
      });
      go([&] {
        inside++;
        for (int k = 0;; k++) {
          const auto d = std::chrono::microseconds(k % 7 ? 30 : 2000);
          if (p.server.set_deadline(Clock::now() + d)) break;
          if (k % 4 == 0) yield();
        }
        done.done();
      });
      go([&] {
        char buf[1000];
        inside++;
        for (;;) {
          const IoResult r = p.client.read(buf, sizeof buf);
          if (r.err || p.client.write("y", 1).err) break;
        }
        done.done();
      });
      ASSERT_TRUE(eventually([&] { return inside == 4; }));
      for (int k = 0; k < i % 10; k++) yield();
      EXPECT_FALSE(p.server.close());
      done.wait();
    }
  });
}

TEST_P(CloseTest, DescriptorNumbersAreNeverMixedUp) {
  // Connections come and go while others keep talking: descriptor numbers and poll_descs are reused
  // all the time, and nobody may notice.
  run([](Runtime&) {
    std::atomic<bool> stop{false};
    WaitGroup done;
    done.add(4);
    for (int k = 0; k < 2; k++) {
      go([&] {
        while (!stop) {
          Pair p = connected_pair();
          (void)p.client.set_deadline(Clock::now() + std::chrono::microseconds(50));
          char c;
          (void)p.client.read(&c, 1);
        }
        done.done();
      });
      go([&, k] {
        Pair p = connected_pair();
        for (int i = 0; i < 1500; i++) {
          const std::string m = std::to_string(i * 2 + k) + ";";
          EXPECT_EQ(p.client.write(m.data(), m.size()).n, m.size());
          ASSERT_EQ(read_exactly(p.server, m.size()), m);
        }
        stop = true;
        done.done();
      });
    }
    done.wait();
  });
}

NETPOLL_FOR_WORKERS(CloseTest);

}  // namespace
}  // namespace netpoll::testing

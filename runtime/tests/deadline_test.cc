// SPDX-License-Identifier: MIT
// Deadlines: never early, sticky, movable, and confined to their direction. The time of a blocked
// operation ends is only bounded from below; from above it is the test's own timeout.
#include <atomic>

#include "support.h"

namespace netpoll::testing {
namespace {

constexpr Deadline none{};
Deadline in(int ms) { return Clock::now() + milliseconds(ms); }

// Writes until the socket's buffers are full and the deadline of writes passes.
IoResult fill(TcpConn& c) {
  static const std::string megabyte(1 << 20, 'x');
  for (;;) {
    const IoResult r = c.write(megabyte.data(), megabyte.size());
    if (r.err) return r;
  }
}

class DeadlineTest : public WorkersTest {};

TEST_P(DeadlineTest, NeverEarly) {
  run([](Runtime&) {
    Pair p = connected_pair();
    for (int us : {1, 500, 1000, 1500, 7300, 20000}) {
      const Deadline t = Clock::now() + std::chrono::microseconds(us);
      EXPECT_FALSE(p.server.set_read_deadline(t));
      char c;
      const IoResult r = p.server.read(&c, 1);
      EXPECT_GE(Clock::now(), t);
      EXPECT_EQ(r.n, 0u);
      EXPECT_EQ(r.err.code(), Errc::deadline_exceeded) << r.err.message();
      EXPECT_EQ(r.err.op(), "read");
      EXPECT_TRUE(r.err.timeout());
      EXPECT_TRUE(r.err.temporary());
    }
  });
}

TEST_P(DeadlineTest, WritesTimeOutWithPartialProgress) {
  run([](Runtime&) {
    Pair p = connected_pair();
    const Deadline t = in(20);
    EXPECT_FALSE(p.client.set_write_deadline(t));
    const IoResult r = fill(p.client);
    EXPECT_GE(Clock::now(), t);
    EXPECT_EQ(r.err.code(), Errc::deadline_exceeded);
    EXPECT_LT(r.n, size_t{1} << 20);
    EXPECT_EQ(p.client.write("x", 1).n, 0u);
  });
}

TEST_P(DeadlineTest, PassedIsStickyAndComesBeforeData) {
  run([](Runtime&) {
    Pair p = connected_pair();
    EXPECT_EQ(p.client.write("hello", 5).n, 5u);
    EXPECT_EQ(read_exactly(p.server, 1), "h");
    EXPECT_FALSE(p.server.set_read_deadline(in(-5000)));
    for (int i = 0; i < 2; i++) {
      char c;
      const IoResult r = p.server.read(&c, 1);
      EXPECT_EQ(r.err.code(), Errc::deadline_exceeded);
      EXPECT_EQ(r.n, 0u);
    }
    EXPECT_EQ(p.server.write("x", 1).n, 1u);  // the other direction
    EXPECT_FALSE(p.server.set_read_deadline(none));
    EXPECT_EQ(read_exactly(p.server, 4), "ello");
  });
}

TEST_P(DeadlineTest, NowMeansPassed) {
  run([](Runtime&) {
    Pair p = connected_pair();
    EXPECT_FALSE(p.server.set_deadline(Clock::now()));
    char c;
    EXPECT_EQ(p.server.read(&c, 1).err.code(), Errc::deadline_exceeded);
    EXPECT_EQ(p.server.write(&c, 1).err.code(), Errc::deadline_exceeded);
  });
}

TEST_P(DeadlineTest, SettingThePastEndsBlockedCalls) {
  run([](Runtime& runtime) {
    Pair p = connected_pair();
    WaitGroup done;
    done.add(2);
    go([&] {
      char c;
      EXPECT_EQ(p.server.read(&c, 1).err.code(), Errc::deadline_exceeded);
      done.done();
    });
    go([&] {
      EXPECT_EQ(fill(p.server).err.code(), Errc::deadline_exceeded);
      done.done();
    });
    ASSERT_TRUE(parked(runtime, 2));
    EXPECT_FALSE(p.server.set_deadline(in(-1)));
    done.wait();
    EXPECT_TRUE(parked(runtime, 0));
  });
}

TEST_P(DeadlineTest, ABlockedReadFollowsAMovedDeadline) {
  run([](Runtime& runtime) {
    Pair p = connected_pair();
    std::atomic<int64_t> returned{0};
    WaitGroup done;
    done.add(1);
    const Deadline first = in(15);
    EXPECT_FALSE(p.server.set_read_deadline(first));
    go([&] {
      char c;
      EXPECT_EQ(p.server.read(&c, 1).err.code(), Errc::deadline_exceeded);
      returned = Clock::now().time_since_epoch().count();
      done.done();
    });
    ASSERT_TRUE(parked(runtime, 1));
    const bool in_time = Clock::now() < first;
    const Deadline later = in(60);
    EXPECT_FALSE(p.server.set_read_deadline(later));
    done.wait();
    if (in_time && Clock::now() > first) {
      EXPECT_GE(returned.load(), later.time_since_epoch().count());
    }
  });
}

TEST_P(DeadlineTest, ShorteningWakesEarlier) {
  run([](Runtime& runtime) {
    Pair p = connected_pair();
    EXPECT_FALSE(p.server.set_read_deadline(in(3'600'000)));
    WaitGroup done;
    done.add(1);
    go([&] {
      char c;
      EXPECT_EQ(p.server.read(&c, 1).err.code(), Errc::deadline_exceeded);
      done.done();
    });
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_FALSE(p.server.set_read_deadline(in(5)));
    done.wait();  // would take an hour
  });
}

TEST_P(DeadlineTest, ClearingLetsABlockedReadGoOn) {
  run([](Runtime& runtime) {
    Pair p = connected_pair();
    const Deadline t = in(15);
    EXPECT_FALSE(p.server.set_deadline(t));
    WaitGroup done;
    done.add(1);
    go([&] {
      EXPECT_EQ(read_exactly(p.server, 1), "x");
      done.done();
    });
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_FALSE(p.server.set_deadline(none));
    if (Clock::now() >= t) {  // too slow a machine to tell
      (void)p.client.close();
      done.wait();
      return;
    }
    sleep_for(milliseconds(25));  // past the old deadline
    EXPECT_EQ(p.client.write("x", 1).n, 1u);
    done.wait();
  });
}

TEST_P(DeadlineTest, CommonDeadlinePartsWhenOneSideMoves) {
  run([](Runtime& runtime) {
    Pair p = connected_pair();
    std::atomic<bool> write_over{false};
    WaitGroup done;
    done.add(2);
    go([&] {
      EXPECT_EQ(fill(p.server).err.code(), Errc::deadline_exceeded);
      write_over = true;
      done.done();
    });
    // The deadline after that: filling the buffers may take longer than it leaves.
    ASSERT_TRUE(parked(runtime, 1));
    const Deadline both = in(30);
    EXPECT_FALSE(p.server.set_deadline(both));
    // The read deadline is as it was; the armed timer must no longer speak for the writer.
    EXPECT_FALSE(p.server.set_write_deadline(in(3'600'000)));
    const bool in_time = Clock::now() < both;
    go([&] {
      char c;
      EXPECT_EQ(p.server.read(&c, 1).err.code(), Errc::deadline_exceeded);
      EXPECT_GE(Clock::now(), both);
      done.done();
    });
    sleep_for(milliseconds(50));
    if (in_time) {
      EXPECT_FALSE(write_over);
    }
    EXPECT_FALSE(p.server.set_write_deadline(in(-1)));
    done.wait();
    EXPECT_TRUE(write_over);
  });
}

TEST_P(DeadlineTest, AcceptHonoursDeadlinesEvenWithAConnectionQueued) {
  run([](Runtime&) {
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    const Deadline t = in(10);
    EXPECT_FALSE(l.set_deadline(t));
    const Error err = l.accept().err;
    EXPECT_EQ(err.code(), Errc::deadline_exceeded);
    EXPECT_EQ(err.op(), "accept");
    EXPECT_GE(Clock::now(), t);
    TcpConn c = dial_tcp(l.addr()).value;
    EXPECT_EQ(l.accept().err.code(), Errc::deadline_exceeded);
    EXPECT_FALSE(l.set_deadline(none));
    EXPECT_FALSE(l.accept().err);
  });
}

TEST_P(DeadlineTest, FarFutureDoesNotOverflow) {
  run([](Runtime&) {
    Pair p = connected_pair();
    EXPECT_FALSE(p.server.set_deadline(Deadline::max()));
    EXPECT_EQ(p.client.write("x", 1).n, 1u);
    EXPECT_EQ(read_exactly(p.server, 1), "x");
    EXPECT_FALSE(p.server.set_deadline(Deadline::min()));
    char c;
    EXPECT_EQ(p.server.read(&c, 1).err.code(), Errc::deadline_exceeded);
  });
}

TEST_P(DeadlineTest, ProlongingBeforeEveryCallNeverFails) {
  run([](Runtime&) {
    Pair p = connected_pair();
    WaitGroup done;
    done.add(2);
    constexpr int rounds = 1000;
    go([&] {
      for (int i = 0; i < rounds; i++) {
        EXPECT_FALSE(p.server.set_read_deadline(in(3'600'000)));
        char c;
        EXPECT_EQ(p.server.read(&c, 1).n, 1u);
      }
      done.done();
    });
    go([&] {
      for (int i = 0; i < rounds; i++) {
        EXPECT_FALSE(p.client.set_write_deadline(in(3'600'000)));
        EXPECT_EQ(p.client.write("x", 1).n, 1u);
      }
      done.done();
    });
    done.wait();
  });
}

TEST_P(DeadlineTest, RacingDeadlinesOnlyEverTimeOut) {
  run([](Runtime&) {
    Pair p = connected_pair();
    std::atomic<bool> stop{false};
    WaitGroup done;
    done.add(3);
    go([&] {
      char buf[64];
      while (!stop) {
        const IoResult r = p.server.read(buf, sizeof buf);
        if (r.err && r.err.code() != Errc::deadline_exceeded) break;
        if (r.err) yield();
      }
      EXPECT_TRUE(stop);
      done.done();
    });
    go([&] {
      const std::string m(10000, 'x');
      while (!stop) {
        const IoResult r = p.server.write(m.data(), m.size());
        if (r.err && r.err.code() != Errc::deadline_exceeded) break;
        if (r.err) yield();
      }
      EXPECT_TRUE(stop);
      done.done();
    });
    go([&] {
      char buf[4096];
      while (!p.client.read(buf, sizeof buf).err) (void)p.client.write("y", 1);
      done.done();
    });
    for (int i = 0; i < 3000; i++) {
      const Deadline t = Clock::now() + std::chrono::microseconds(2 + i % 50);
      EXPECT_FALSE(i % 3 == 0   ? p.server.set_deadline(t)
                   : i % 3 == 1 ? p.server.set_read_deadline(t)
                                : p.server.set_write_deadline(t));
      if (i % 8 == 0) yield();
    }
    stop = true;
    EXPECT_FALSE(p.server.set_deadline(in(-1)));
    EXPECT_FALSE(p.client.set_deadline(in(-1)));
    done.wait();
  });
}

TEST_P(DeadlineTest, ConcurrentSettersKeepTheTimersConsistent) {
  run([](Runtime& runtime) {
    std::vector<Pair> pairs;
    for (int i = 0; i < 4; i++) pairs.push_back(connected_pair());
    WaitGroup done;
    done.add(8);
    for (int k = 0; k < 8; k++) {
      go([&, k] {
        for (int i = 300; i > 0; i--) {
          Pair& p = pairs[(i + k) % pairs.size()];
          EXPECT_FALSE(p.server.set_deadline(Clock::now() + std::chrono::seconds(i)));
          EXPECT_FALSE(p.client.set_read_deadline(Clock::now() + std::chrono::seconds(i)));
          if (i % 16 == 0) yield();
        }
        done.done();
      });
    }
    done.wait();
    EXPECT_EQ(runtime.counters().armed_timers, 8u);
    for (Pair& p : pairs) {
      EXPECT_FALSE(p.client.close());
      EXPECT_FALSE(p.server.close());
    }
    EXPECT_EQ(runtime.counters().armed_timers, 0u);
  });
}

NETPOLL_FOR_WORKERS(DeadlineTest);

}  // namespace
}  // namespace netpoll::testing

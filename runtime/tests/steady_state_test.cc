// SPDX-License-Identifier: MIT
// What a connection costs once it is up: no allocation, and no counter that creeps.
#include "count_allocations.h"
#include "support.h"

namespace netpoll::testing {
namespace {

class SteadyStateTest : public WorkersTest {};

TEST_P(SteadyStateTest, ReadsAndWritesDoNotAllocate) {
  run([](Runtime& runtime) {
    Pair p = connected_pair();
    WaitGroup done;
    done.add(1);
    go([&] {
      char buf[512];
      for (;;) {
        const IoResult r = p.server.read(buf, sizeof buf);
        if (r.err || p.server.write(buf, r.n).err) break;
      }
      done.done();
    });
    const auto round_trip = [&] {
      char buf[256] = {};
      size_t have = 0;
      EXPECT_EQ(p.client.write(buf, sizeof buf).n, sizeof buf);
      while (have < sizeof buf) {
        EXPECT_FALSE(p.client.set_read_deadline(Clock::now() + std::chrono::hours(1)));
        const IoResult r = p.client.read(buf + have, sizeof buf - have);
        if (r.err) {
          ADD_FAILURE() << r.err.message();
          return;
        }
        have += r.n;
      }
    };
    // Warm up: each worker's timer heap grows once.
    for (int i = 0; i < 500; i++) round_trip();
    const uint64_t before = allocations();
    for (int i = 0; i < 5000; i++) round_trip();
    // A heap may still grow if the goroutine moves to a worker that never had a timer.
    EXPECT_LE(allocations() - before, static_cast<uint64_t>(runtime.workers()));
    EXPECT_TRUE(eventually([&] { return runtime.counters().netpoll_waiters == 1; }));
    EXPECT_FALSE(p.client.close());
    done.wait();
  });
}

TEST_P(SteadyStateTest, ConnectionsComeAndGoWithoutGrowth) {
  run([](Runtime& runtime) {
    const auto once = [&] {
      Pair p = connected_pair();
      WaitGroup done;
      done.add(1);
      go([&] {
        EXPECT_EQ(p.server.write("x", 1).n, 1u);
        done.done();
      });
      EXPECT_EQ(read_exactly(p.client, 1), "x");
      done.wait();
    };
    for (int i = 0; i < 300; i++) once();
    const RuntimeCounters c = runtime.counters();
    EXPECT_EQ(c.live_poll_descs, 0u);
    EXPECT_LE(c.live_goroutines, 5u);  // one may not have been reaped yet
    EXPECT_EQ(c.netpoll_waiters, 0u);
  });
}

NETPOLL_FOR_WORKERS(SteadyStateTest);

}  // namespace
}  // namespace netpoll::testing

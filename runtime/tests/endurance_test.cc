// SPDX-License-Identifier: MIT
// What must not creep, however long a program lives: heap, poll_descs, timers, descriptors, over
// many connections that get deadlines and are closed. NETPOLL_CYCLES=1000000 makes it long, and
// prints the figures.
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "count_allocations.h"
#include "endpoints.h"

namespace netpoll::testing {
namespace {

class EnduranceTest : public WorkersTest {};

int cycles_wanted() {
  const char* text = std::getenv("NETPOLL_CYCLES");
  return std::max(text ? std::atoi(text) : 2000, 10);
}

// One connection: deadlines set, moved, parted, passed, cleared; closed by itself or under a
// reader, with timers armed.
void cycle(int i) {
  UnixPair p = unix_pair();
  const auto in = [](int ms) { return Clock::now() + milliseconds(ms); };
  EXPECT_FALSE(p.client.set_deadline(in(3'600'000)));
  EXPECT_FALSE(p.client.set_write_deadline(in(1'800'000)));
  EXPECT_FALSE(p.server.set_read_deadline(in(i % 4)));
  if (i % 3 == 0) {
    EXPECT_FALSE(p.client.set_deadline({}));
  }
  if (i % 5 == 0) {
    EXPECT_FALSE(p.client.set_read_deadline(in(-1)));
  }
  WaitGroup done;
  if (i % 8 == 0) {
    in_background(done, [&] {
      char b;
      EXPECT_TRUE(p.server.read(&b, 1).err);  // a deadline, its own close or the peer's
    });
    if (i % 16 == 0) yield();
  }
  EXPECT_FALSE(p.client.close());
  EXPECT_FALSE(p.server.close());
  done.wait();
}

struct Levels {
  int64_t allocations = 0;
  size_t heap_bytes = 0;
  int fds = 0;
  RuntimeCounters counters;

  static Levels now(Runtime& r) {
    return {live_allocations(), mallinfo2().uordblks, open_fds(), r.counters()};
  }
  void print(const char* when) const {
    std::printf(
        "%s: %lld allocations, %zu bytes of heap, %u poll_descs made, %u live, %u timers, "
        "%d descriptors\n",
        when, static_cast<long long>(allocations), heap_bytes, counters.made_poll_descs,
        counters.live_poll_descs, counters.armed_timers, fds);
  }
};

struct Course {
  Levels before;  // after warming up
  Levels after;
  uint32_t least_made;  // poll_descs, in the tenth of the cycles that made the fewest
};

Course run_cycles(Runtime& runtime) {
  const int cycles = cycles_wanted();
  for (int i = 0; i < 1000; i++) cycle(i);
  Course course = {Levels::now(runtime), {}, UINT32_MAX};
  uint32_t made = course.before.counters.made_poll_descs;
  for (int i = 0; i < cycles; i++) {
    cycle(i);
    if ((i + 1) % (cycles / 10) != 0) continue;
    const uint32_t now = runtime.counters().made_poll_descs;
    course.least_made = std::min(course.least_made, now - made);
    made = now;
  }
  course.after = Levels::now(runtime);
  if (std::getenv("NETPOLL_CYCLES")) {
    std::printf("%d cycles, %d workers\n", cycles, runtime.workers());
    course.before.print("before");
    course.after.print("after");
  }
  return course;
}

TEST_P(EnduranceTest, DeadlinesAndClosesLeaveNothingBehind) {
  run([](Runtime& runtime) {
    const Course course = run_cycles(runtime);
    EXPECT_EQ(course.after.fds, course.before.fds);
    EXPECT_EQ(course.after.counters.live_poll_descs, 0u);
    EXPECT_EQ(course.after.counters.armed_timers, 0u);
    // While some poll applies its events, what is freed is kept back, and a worker may be preempted
    // there for as long as the machine likes: then hundreds are made at once. What creeps is made
    // in each tenth.
    EXPECT_EQ(course.least_made, 0u);
  });
}

TEST_P(EnduranceTest, DeadlinesAndClosesLeaveNoAllocation) {
  run([](Runtime& runtime) {
    const Course course = run_cycles(runtime);
    // What may still come: a stack of a goroutine that had never been needed, the growth of a
    // worker's timer heap.
    EXPECT_LE(course.after.allocations, course.before.allocations + 8 * runtime.workers());
    EXPECT_LE(course.after.heap_bytes, course.before.heap_bytes + 64 * 1024);
  });
}

NETPOLL_FOR_WORKERS(EnduranceTest);

}  // namespace
}  // namespace netpoll::testing

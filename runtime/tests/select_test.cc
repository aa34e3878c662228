// SPDX-License-Identifier: MIT
#include "netpoll/select.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "support.h"

namespace netpoll::testing {
namespace {

class SelectTest : public WorkersTest {};

TEST_P(SelectTest, DoesTheCaseThatCanGoOn) {
  run([](Runtime&) {
    Channel<int> a(1), b(1);
    Channel<std::string> words(1);
    Received<int> r;
    words.send("full");
    b.send(4);
    EXPECT_EQ(select(receive(a, r), receive(b, r), send(words, "no room")), 1);
    EXPECT_TRUE(r.ok);
    EXPECT_EQ(r.value, 4);
    EXPECT_EQ(words.recv().value, "full");
    EXPECT_EQ(select(receive(a, r), receive(b, r), send(words, "room")), 2);
    EXPECT_EQ(words.recv().value, "room");
    EXPECT_EQ(try_select(receive(a, r), receive(b, r), receive(words)), -1);
    a.close();
    EXPECT_EQ(select(receive(a, r), receive(b)), 0);
    EXPECT_FALSE(r.ok);
    EXPECT_EQ(r.value, 0) << "as after any receive that got nothing";
  });
}

TEST_P(SelectTest, WaitsForWhicheverComesFirst) {
  run([](Runtime&) {
    Channel<int> a, b, c;
    for (int i = 0; i < 300; i++) {
      const int which = i % 4;
      go([=] {
        if (which == 0) a.send(i);
        if (which == 1) b.send(i);
        if (which == 2) c.recv();
        if (which == 3) b.send(i);
      });
      Received<int> r;
      const int chosen = select(receive(a, r), receive(b, r), send(c, int{i}));
      EXPECT_EQ(chosen, which == 3 ? 1 : which);
      if (chosen != 2) {
        EXPECT_TRUE(r.ok);
        EXPECT_EQ(r.value, i);
      }
    }
    // Nothing was left behind in any queue.
    EXPECT_FALSE(a.try_send(0));
    EXPECT_FALSE(b.try_send(0));
    EXPECT_FALSE(c.try_recv());
  });
}

TEST_P(SelectTest, ClosingWakesIt) {
  run([](Runtime&) {
    for (int i = 0; i < 200; i++) {
      Channel<int> data;
      Channel<Unit> stop;
      WaitGroup done;
      done.go([&] {
        Received<int> r{.value = 1, .ok = true};
        EXPECT_EQ(select(receive(data, r), receive(stop)), 1);
      });
      if (i % 2) yield();
      stop.close();
      done.wait();
    }
  });
}

// TestSelectFairness: with two cases always ready, each is picked often.
TEST_P(SelectTest, PicksAtRandomAmongThoseThatCanGoOn) {
  run([](Runtime&) {
    constexpr int trials = 2000;
    Channel<int> a(trials), b(trials), never;
    for (int i = 0; i < trials; i++) {
      a.send(i);
      b.send(i);
    }
    int picked[2] = {};
    for (int i = 0; i < trials; i++) {
      const int chosen = select(receive(a), receive(b), receive(never));
      ASSERT_LT(chosen, 2);
      picked[chosen]++;
    }
    // Ten standard deviations from a half, which is 22.
    EXPECT_NEAR(picked[0], trials / 2, 224);
  });
}

// TestSelfSelect: one goroutine sends and receives on the same channel in one select, against
// another that does the same.
TEST_P(SelectTest, NeverMeetsItself) {
  run([](Runtime&) {
    for (size_t capacity : {0u, 10u}) {
      Channel<int> c(capacity);
      std::atomic<int> bad{0};
      WaitGroup done;
      for (int p = 0; p < 2; p++) {
        done.go([&, p] {
          for (int i = 0; i < 1000; i++) {
            Received<int> r;
            if (p == 0 || i % 2 == 0) {
              const int chosen = select(send(c, int{p}), receive(c, r));
              if (capacity == 0 && chosen == 1 && r.value == p) bad++;
            } else {
              const int chosen = select(receive(c, r), send(c, int{p}));
              if (capacity == 0 && chosen == 0 && r.value == p) bad++;
            }
          }
        });
      }
      // Serves whoever is left over when the other has finished.
      std::atomic<bool> finished{false};
      go([&] {
        done.wait();
        finished = true;
      });
      while (!finished) {
        (void)try_select(receive(c), send(c, 2));
        yield();
      }
      EXPECT_EQ(bad, 0);
    }
  });
}

// TestSelectStress: four channels, senders and receivers that select and that do not.
TEST_P(SelectTest, StressedItLosesNothing) {
  run([](Runtime&) {
    constexpr int rounds = 500;
    std::vector<Channel<int>> c;
    for (size_t capacity : {0u, 0u, 2u, 3u}) c.emplace_back(capacity);
    std::atomic<int64_t> sent{0}, received{0};
    WaitGroup done;
    for (int k = 0; k < 4; k++) {
      done.go([&, k] {
        for (int i = 0; i < rounds; i++) {
          c[k].send(i);
          sent += i;
        }
      });
      done.go([&, k] {
        for (int i = 0; i < rounds; i++) received += c[k].recv().value;
      });
    }
    done.go([&] {  // sends `rounds` to each, by select
      int left[4] = {rounds, rounds, rounds, rounds};
      for (int i = 0; i < 4 * rounds; i++) {
        Channel<int> open[4] = {nullptr, nullptr, nullptr, nullptr};
        for (int k = 0; k < 4; k++) {
          if (left[k] > 0) open[k] = c[k];
        }
        const int chosen = select(send(open[3], int{i}), send(open[2], int{i}),
                                  send(open[0], int{i}), send(open[1], int{i}));
        left[std::vector<int>{3, 2, 0, 1}[chosen]]--;
        sent += i;
      }
    });
    done.go([&] {  // and receives as many
      int left[4] = {rounds, rounds, rounds, rounds};
      for (int i = 0; i < 4 * rounds; i++) {
        Channel<int> open[4] = {nullptr, nullptr, nullptr, nullptr};
        for (int k = 0; k < 4; k++) {
          if (left[k] > 0) open[k] = c[k];
        }
        Received<int> r;
        const int chosen = select(receive(open[0], r), receive(open[1], r), receive(open[2], r),
                                  receive(open[3], r));
        EXPECT_TRUE(r.ok);
        left[chosen]--;
        received += r.value;
      }
    });
    done.wait();
    EXPECT_EQ(sent, received);
    for (auto& channel : c) EXPECT_EQ(channel.size(), 0u);
  });
}

// TestSelectDuplicateChannel: waiting twice on one channel, woken through another.
TEST_P(SelectTest, TheSameChannelMayStandInSeveralCases) {
  run([](Runtime&) {
    for (int i = 0; i < 100; i++) {
      Channel<int> a, b;
      WaitGroup done;
      done.go([&] {
        Received<int> r;
        EXPECT_EQ(select(receive(a, r), receive(a, r), receive(b, r)), 2);
        EXPECT_EQ(r.value, 9);
      });
      std::atomic<int> seen{-1};
      done.go([&] { seen = a.recv().value; });
      if (i % 2) yield();
      b.send(9);
      a.send(1);
      done.wait();
      EXPECT_EQ(seen, 1);
    }
  });
}

// TestNonblockSelectRace: a select with a default misses nothing that is ready.
TEST_P(SelectTest, TrySelectSeesThatOneOfTwoIsReady) {
  run([](Runtime&) {
    for (int i = 0; i < 1000; i++) {
      Channel<int> a(1), b(1);
      a.send(1);
      WaitGroup done;
      done.go([&] { EXPECT_NE(try_select(receive(a), receive(b)), -1); });
      b.send(1);
      (void)try_select(receive(a));  // only after b has a value
      done.wait();
    }
  });
}

TEST_P(SelectTest, ManyCasesFromASpan) {
  run([](Runtime&) {
    constexpr int n = 40;
    std::vector<Channel<int>> channels(n);
    std::vector<Received<int>> got(n);
    for (int round = 0; round < 50; round++) {
      const int which = (round * 7) % n;
      std::vector<SelectCase> cases;
      for (int i = n; i-- > 0;) cases.push_back(receive(channels[i], got[i]));
      go([&channels, which] { channels[which].send(which); });
      EXPECT_EQ(select(std::span(cases)), n - 1 - which);
      EXPECT_EQ(got[which].value, which);
    }
  });
}

TEST_P(SelectTest, AnUnpickedSendKeepsItsValue) {
  run([](Runtime&) {
    Channel<std::unique_ptr<int>> full;
    Channel<int> ready(1);
    ready.send(1);
    auto value = std::make_unique<int>(5);
    EXPECT_EQ(select(send(full, std::move(value)), receive(ready)), 1);
    ASSERT_NE(value, nullptr);
    EXPECT_EQ(*value, 5);
  });
}

// Two goroutines that select over the same two channels in opposite order, and a third party that
// serves both channels at once: the race for select_done, and the order of the locks.
TEST_P(SelectTest, ServedOnTwoChannelsAtOnceItTakesOne) {
  run([](Runtime&) {
    Channel<int> a, b;
    std::atomic<int> got{0};
    constexpr int rounds = 2000;
    WaitGroup done;
    for (int p = 0; p < 2; p++) {
      done.go([&, p] {
        for (int i = 0; i < rounds; i++) {
          Received<int> r;
          p == 0 ? select(receive(a, r), receive(b, r)) : select(receive(b, r), receive(a, r));
          got += r.value;
        }
      });
    }
    done.go([&] {
      for (int i = 0; i < rounds; i++) a.send(1);
    });
    done.go([&] {
      for (int i = 0; i < rounds; i++) b.send(1);
    });
    done.wait();
    EXPECT_EQ(got, 2 * rounds);
  });
}

NETPOLL_FOR_WORKERS(SelectTest);

TEST(SelectRepeatTest, TheSameProgramMakesTheSameChoices) {
  const auto choices = [] {
    std::string s;
    Runtime runtime(with_workers(1));
    runtime.run([&] {
      Channel<int> a(100), b(100), c(100);
      for (int i = 0; i < 100; i++) a.send(i), b.send(i), c.send(i);
      for (int i = 0; i < 100; i++) {
        s += static_cast<char>('a' + select(receive(a), receive(b), receive(c)));
      }
    });
    return s;
  };
  const std::string first = choices();
  EXPECT_EQ(first, choices());
  EXPECT_NE(first, std::string(100, 'a'));
}

TEST(SelectDeathTest, MisuseAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run_one = [](const std::function<void()>& body) {
    Runtime runtime(with_workers(1));
    runtime.run(body);
  };
  EXPECT_DEATH(run_one([] { select(); }), "asleep - deadlock");
  EXPECT_DEATH(run_one([] {
                 Channel<int> c, d;
                 c.close();
                 select(send(c, 1), receive(d));
               }),
               "send on closed channel");
  EXPECT_DEATH(run_one([] {
                 Channel<int> c, d;
                 go([&] { c.close(); });
                 select(send(c, 1), receive(d));  // waits when the channel is closed
               }),
               "send on closed channel");
}

}  // namespace
}  // namespace netpoll::testing

// SPDX-License-Identifier: MIT
// The behaviour of Go's runtime/chan_test.go, in our style.
#include "netpoll/channel.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "count_allocations.h"
#include "netpoll/select.h"
#include "support.h"

namespace netpoll::testing {
namespace {

class ChannelTest : public WorkersTest {};

// TestChan: first in, first out, for every small capacity.
TEST_P(ChannelTest, ValuesArriveInOrder) {
  run([](Runtime&) {
    for (size_t capacity = 0; capacity < 20; capacity++) {
      Channel<int> c(capacity);
      go([c] {
        for (int i = 0; i < 100; i++) c.send(i);
        c.close();
      });
      int expected = 0;
      for (auto r = c.recv(); r.ok; r = c.recv()) EXPECT_EQ(r.value, expected++);
      EXPECT_EQ(expected, 100);
      EXPECT_FALSE(c.recv().ok) << "and stays closed";
      EXPECT_EQ(c.recv().value, 0);
    }
  });
}

TEST_P(ChannelTest, AReceiverWaitsUntilThereIsAValue) {
  run([](Runtime&) {
    for (size_t capacity : {0u, 1u, 3u}) {
      Channel<int> c(capacity);
      EXPECT_FALSE(c.try_recv());
      std::atomic<bool> received{false};
      WaitGroup done;
      done.go([&] {
        EXPECT_EQ(c.recv().value, 5);
        received = true;
      });
      for (int i = 0; i < 100; i++) yield();
      EXPECT_FALSE(received);
      c.send(5);
      done.wait();
    }
  });
}

TEST_P(ChannelTest, ASenderWaitsUntilThereIsRoom) {
  run([](Runtime&) {
    for (size_t capacity : {0u, 1u, 3u}) {
      Channel<int> c(capacity);
      for (size_t i = 0; i < capacity; i++) EXPECT_TRUE(c.try_send(static_cast<int>(i)));
      EXPECT_FALSE(c.try_send(9));
      EXPECT_EQ(c.size(), capacity);
      EXPECT_EQ(c.capacity(), capacity);
      std::atomic<bool> sent{false};
      WaitGroup done;
      done.go([&] {
        c.send(static_cast<int>(capacity));
        sent = true;
      });
      for (int i = 0; i < 100; i++) yield();
      EXPECT_FALSE(sent);
      for (size_t i = 0; i <= capacity; i++) EXPECT_EQ(c.recv().value, static_cast<int>(i));
      done.wait();
    }
  });
}

TEST_P(ChannelTest, CloseReleasesAllReceiversAndLeavesTheBufferToDrain) {
  run([](Runtime&) {
    Channel<std::string> empty(3);
    WaitGroup done;
    for (int i = 0; i < 10; i++) {
      done.go([&] {
        const auto r = empty.recv();
        EXPECT_FALSE(r.ok);
        EXPECT_EQ(r.value, "");
      });
    }
    for (int i = 0; i < 50; i++) yield();
    empty.close();
    done.wait();

    Channel<std::string> full(2);
    full.send("a");
    full.send("b");
    full.close();
    EXPECT_EQ(full.recv().value, "a");
    EXPECT_EQ(full.recv().value, "b");
    EXPECT_FALSE(full.recv().ok);
    ASSERT_TRUE(full.try_recv().has_value());
    EXPECT_FALSE(full.try_recv()->ok);
  });
}

// TestMultiConsumer: every value is received exactly once.
TEST_P(ChannelTest, ManySendersAndReceiversLoseAndRepeatNothing) {
  run([](Runtime&) {
    for (size_t capacity : {0u, 1u, 7u}) {
      constexpr int senders = 5, receivers = 4, each = 400;
      Channel<int> c(capacity);
      std::vector<std::atomic<int>> seen(senders * each);
      WaitGroup sent, received;
      for (int s = 0; s < senders; s++) {
        sent.go([&, s] {
          for (int i = 0; i < each; i++) {
            c.send(s * each + i);
            if (i % 7 == s) yield();
          }
        });
      }
      for (int r = 0; r < receivers; r++) {
        received.go([&] {
          for (auto v = c.recv(); v.ok; v = c.recv()) seen[v.value]++;
        });
      }
      sent.wait();
      c.close();
      received.wait();
      for (auto& n : seen) ASSERT_EQ(n, 1);
    }
  });
}

TEST_P(ChannelTest, WhoWaitsLongestIsServedFirst) {
  run([](Runtime&) {
    Channel<int> c;
    WaitGroup done;
    for (int i = 0; i < 5; i++) {
      std::atomic<bool> about_to_wait{false};
      done.go([&, i] {
        about_to_wait = true;
        c.send(i);
      });
      ASSERT_TRUE(eventually([&] { return about_to_wait.load(); }));
      // On one worker it is parked now; on more, it may not be in the queue yet: then the order is
      // not ours to know.
      for (int k = 0; k < 100; k++) yield();
    }
    std::vector<int> got;
    for (int i = 0; i < 5; i++) got.push_back(c.recv().value);
    done.wait();
    if (GetParam() > 1) std::sort(got.begin(), got.end());
    EXPECT_EQ(got, (std::vector<int>{0, 1, 2, 3, 4}));
  });
}

TEST_P(ChannelTest, MovesValuesThatCannotBeCopied) {
  run([](Runtime&) {
    for (size_t capacity : {0u, 2u}) {
      Channel<std::unique_ptr<int>> c(capacity);
      WaitGroup done;
      done.go([&] {
        for (int i = 0; i < 50; i++) c.send(std::make_unique<int>(i));
      });
      for (int i = 0; i < 50; i++) EXPECT_EQ(*c.recv().value, i);
      done.wait();
    }
  });
}

TEST_P(ChannelTest, AReceivedValueIsNotKeptAlive) {
  run([](Runtime&) {
    Channel<std::shared_ptr<int>> c(4);
    auto value = std::make_shared<int>(1);
    std::weak_ptr<int> watch = value;
    c.send(std::move(value));
    c.recv();
    EXPECT_TRUE(watch.expired());
    // What try_send could not send is still the caller's.
    Channel<std::shared_ptr<int>> none;
    auto kept = std::make_shared<int>(2);
    EXPECT_FALSE(none.try_send(std::move(kept)));
    EXPECT_NE(kept, nullptr);
  });
}

TEST_P(ChannelTest, HandlesOfOneDirection) {
  run([](Runtime&) {
    Channel<int> c(1);
    Sender<int> in = c;
    Receiver<int> out = c;
    in.send(3);
    EXPECT_EQ(out.size(), 1u);
    EXPECT_EQ(out.recv().value, 3);
    in.close();
    EXPECT_FALSE(out.recv().ok);
    EXPECT_EQ(Receiver<int>(c), out);
  });
}

TEST_P(ChannelTest, TheNilChannelNeverAnswers) {
  run([](Runtime&) {
    const Channel<int> nil = nullptr;
    EXPECT_FALSE(nil.try_send(1));
    EXPECT_FALSE(nil.try_recv());
    EXPECT_EQ(nil.size() + nil.capacity(), 0u);
    Received<int> r;
    EXPECT_EQ(try_select(receive(nil, r), send(nil, 1)), -1);
  });
}

// TestNonblockRecvRace: a receive that does not wait misses nothing that was sent before.
TEST_P(ChannelTest, TryRecvSeesAValueThatIsThere) {
  run([](Runtime&) {
    for (int i = 0; i < 1000; i++) {
      Channel<int> c(1);
      c.send(1);
      WaitGroup done;
      done.go([&] { EXPECT_TRUE(c.try_recv().has_value()); });
      c.close();
      done.wait();
    }
  });
}

TEST_P(ChannelTest, CloseAndTrySendWorkFromAnOrdinaryThread) {
  run([](Runtime&) {
    Channel<int> c(1);
    // Keeps the runtime from looking deadlocked while only the thread can go on.
    std::atomic<bool> done{false};
    WaitGroup spinner;
    spinner.go([&] {
      while (!done) yield();
    });
    std::thread outside([&] {
      while (!c.try_send(7)) std::this_thread::yield();
      c.close();
    });
    EXPECT_EQ(c.recv().value, 7);
    EXPECT_FALSE(c.recv().ok);
    done = true;
    outside.join();
    spinner.wait();
  });
}

TEST_P(ChannelTest, NothingIsAllocatedInSteadyState) {
  run([](Runtime& runtime) {
    Channel<int> ping, pong(4);
    Channel<Unit> stop;
    WaitGroup done;
    done.go([&] {
      Received<int> r;
      while (select(receive(ping, r), receive(stop)) == 0) pong.send(r.value);
    });
    const auto round = [&] {
      for (int i = 0; i < 2000; i++) {
        ping.send(i);
        EXPECT_EQ(pong.recv().value, i);
      }
    };
    round();
    const uint64_t before = allocations();
    round();
    // A worker thread may still be starting.
    EXPECT_LE(allocations() - before, static_cast<uint64_t>(runtime.workers()));
    stop.close();
    done.wait();
  });
}

NETPOLL_FOR_WORKERS(ChannelTest);

void run_one(const std::function<void()>& body) {
  Runtime runtime(with_workers(1));
  runtime.run(body);
}

TEST(ChannelDeathTest, MisuseAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(run_one([] {
                 Channel<int> c(1);
                 c.close();
                 c.send(1);
               }),
               "send on closed channel");
  EXPECT_DEATH(run_one([] {
                 Channel<int> c;
                 go([&] { c.close(); });
                 c.send(1);  // waits when the channel is closed
               }),
               "send on closed channel");
  EXPECT_DEATH(run_one([] {
                 Channel<int> c;
                 c.close();
                 c.close();
               }),
               "close of closed channel");
  EXPECT_DEATH(Channel<int>(nullptr).close(), "close of nil channel");
  EXPECT_DEATH(run_one([] { Channel<int>(nullptr).recv(); }), "asleep - deadlock");
  EXPECT_DEATH(run_one([] { Channel<int>().recv(); }), "asleep - deadlock");
  EXPECT_DEATH(Channel<int>().recv(), "outside a goroutine");
}

}  // namespace
}  // namespace netpoll::testing

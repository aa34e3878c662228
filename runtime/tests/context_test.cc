// SPDX-License-Identifier: MIT
// The behaviour of Go's context/x_test.go and context_test.go, in our style.
#include "netpoll/context.h"

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "netpoll/select.h"
#include "src/context_state.h"
#include "support.h"

namespace netpoll::testing {
namespace {

using std::chrono::hours;

class ContextTest : public WorkersTest {};

bool is_done(const Context& c) {
  const auto r = c.done().try_recv();
  return r && !r->ok;
}

TEST_P(ContextTest, BackgroundIsNeverDone) {
  run([](Runtime&) {
    const Context c = Context::background();
    EXPECT_FALSE(is_done(c));
    EXPECT_FALSE(c.err());
    EXPECT_FALSE(c.cause());
    EXPECT_FALSE(c.deadline());
    EXPECT_EQ(try_select(receive(c.done())), -1);
    EXPECT_TRUE(after_func(c, [] { FAIL() << "never"; }).stop());
  });
}

TEST_P(ContextTest, CancelEndsTheContextAndEverythingBelow) {
  run([](Runtime&) {
    auto [top, cancel_top] = with_cancel(Context::background());
    auto [middle, cancel_middle] = with_cancel(top);
    auto [bottom, cancel_bottom] = with_timeout(middle, hours(1));
    auto [sibling, cancel_sibling] = with_cancel(top);
    EXPECT_FALSE(is_done(top) || is_done(middle) || is_done(bottom));
    cancel_middle();
    EXPECT_FALSE(is_done(top));
    EXPECT_FALSE(is_done(sibling));
    for (const Context* c : {&middle, &bottom}) {
      EXPECT_TRUE(is_done(*c));
      EXPECT_EQ(c->err().code(), Errc::canceled);
      EXPECT_EQ(c->cause().code(), Errc::canceled);
    }
    cancel_top();
    cancel_top();
    cancel_middle();
    EXPECT_TRUE(is_done(sibling));
    // A child of a context that is done is born done.
    auto [late, cancel_late] = with_cancel(middle);
    EXPECT_TRUE(is_done(late));
    EXPECT_EQ(late.err().code(), Errc::canceled);
  });
}

TEST_P(ContextTest, CausesTravelDownWithTheCancel) {
  run([](Runtime&) {
    auto [top, cancel_top] = with_cancel(Context());
    auto [below, cancel_below] = with_cancel(top);
    cancel_top(Error::from_errno("read", 5));
    cancel_below(Error(Errc::eof));  // too late
    for (const Context* c : {&top, &below}) {
      EXPECT_EQ(c->err().code(), Errc::canceled);
      EXPECT_EQ(c->cause().sys_errno(), 5);
    }
  });
}

TEST_P(ContextTest, DeadlinesPass) {
  run([](Runtime& runtime) {
    const auto start = Clock::now();
    auto [c, cancel] = with_timeout(Context(), milliseconds(5));
    auto [below, cancel_below] = with_timeout(c, hours(1));
    ASSERT_TRUE(below.deadline());
    EXPECT_EQ(*below.deadline(), *c.deadline()) << "the earlier one counts";
    EXPECT_EQ(select(receive(below.done())), 0);
    EXPECT_GE(Clock::now() - start, milliseconds(5));
    EXPECT_EQ(below.err().code(), Errc::timeout);
    EXPECT_TRUE(below.err().timeout());
    EXPECT_EQ(c.err().code(), Errc::timeout);
    cancel();
    EXPECT_EQ(c.err().code(), Errc::timeout) << "the first reason stays";

    auto [past, cancel_past] = with_deadline(Context(), Clock::now() - hours(1));
    EXPECT_TRUE(is_done(past));
    EXPECT_EQ(past.err().code(), Errc::timeout);
    auto [zero, cancel_zero] = with_deadline(Context(), Instant{});
    EXPECT_TRUE(is_done(zero)) << "the zero instant is a deadline like any other";
    auto [longest, cancel_longest] = with_timeout(Context(), std::chrono::nanoseconds::max());
    EXPECT_FALSE(is_done(longest));
    cancel_longest();
    EXPECT_EQ(runtime.counters().armed_timers, 0u) << "cancelling gives the timer back";
  });
}

TEST_P(ContextTest, AChildThatNobodyHoldsIsForgotten) {
  run([](Runtime& runtime) {
    auto [top, cancel_top] = with_cancel(Context());
    for (int i = 0; i < 100; i++) {
      auto [child, cancel_child] = with_timeout(top, hours(1));
      after_func(child, [] { FAIL() << "the context went without being done"; });
      if (i % 3 == 0) cancel_child = cancel_top;  // the context is held by its handle alone
    }
    EXPECT_EQ(runtime.counters().armed_timers, 0u);
    cancel_top();
  });
}

TEST_P(ContextTest, AfterFuncRunsOnceWhenDone) {
  run([](Runtime&) {
    Semaphore ran;
    auto [c, cancel] = with_cancel(Context());
    ContextHook hook = after_func(c, [&] { ran.release(); });
    ContextHook stopped = after_func(c, [] { FAIL() << "was stopped"; });
    EXPECT_TRUE(stopped.stop());
    EXPECT_FALSE(stopped.stop());
    for (int i = 0; i < 20; i++) yield();
    EXPECT_EQ(ran.tokens(), 0u);
    cancel();
    ran.acquire();
    EXPECT_FALSE(hook.stop());
    after_func(c, [&] { ran.release(); });  // of a context that is done: at once
    ran.acquire();
  });
}

TEST_P(ContextTest, CancelFromAnOrdinaryThread) {
  run([](Runtime&) {
    auto [c, cancel] = with_cancel(Context());
    Semaphore ran;
    after_func(c, [&] { ran.release(); });
    std::atomic<bool> stop{false};
    WaitGroup spinner;
    spinner.go([&] {  // or all goroutines would seem to wait for each other
      while (!stop) yield();
    });
    std::thread outside([cancel = cancel] { cancel(); });
    c.done().recv();
    ran.acquire();
    stop = true;
    spinner.wait();
    outside.join();
  });
}

TEST_P(ContextTest, WatchesRunAtOnceAndNeverAfterStop) {
  run([](Runtime&) {
    for (int i = 0; i < 500; i++) {
      auto [c, cancel] = with_cancel(Context());
      WaitGroup done;
      done.go([cancel = cancel] { cancel(); });
      std::atomic<int> runs{0};
      bool before;
      {
        context_watch watch(
            c, [](void* n) { (*static_cast<std::atomic<int>*>(n))++; }, &runs);
        if (i % 3) yield();
        before = !watch.stop();
        EXPECT_EQ(runs, before ? 1 : 0);
        EXPECT_EQ(!watch.stop(), before);
      }
      done.wait();
      EXPECT_EQ(runs, before ? 1 : 0);
    }
  });
}

// TestSimultaneousCancels and TestInterlockedCancels: many ends at once in one tree.
TEST_P(ContextTest, ManyEndsAtOnce) {
  run([](Runtime&) {
    for (int round = 0; round < 20; round++) {
      std::vector<CancellableContext> tree{with_cancel(Context())};
      for (int i = 1; i < 40; i++) tree.push_back(with_timeout(tree[i / 3].context, hours(1)));
      std::atomic<int> hooks{0};
      WaitGroup done;
      for (auto& node : tree) {
        done.add(1);
        after_func(node.context, [&] {
          hooks++;
          done.done();
        });
        done.go([c = node.context] { c.done().recv(); });
      }
      for (size_t i = 0; i < tree.size(); i += 7) {
        done.go([cancel = tree[tree.size() - 1 - i].cancel] { cancel(); });
      }
      done.go([cancel = tree[0].cancel] { cancel(); });
      done.wait();
      EXPECT_EQ(hooks, static_cast<int>(tree.size()));
    }
  });
}

// A child goes away while its parent is ended by somebody else, and while its deadline passes.
TEST_P(ContextTest, DroppedWhileItEnds) {
  run([](Runtime&) {
    for (int i = 0; i < 300; i++) {
      auto top = std::make_optional(with_cancel(Context()));
      WaitGroup done;
      for (int k = 0; k < 4; k++) {
        done.go([c = top->context, k] {
          auto child = with_timeout(c, std::chrono::microseconds(50 * k));
          yield();
        });
      }
      done.go([cancel = top->cancel] { cancel(); });
      top.reset();
      done.wait();
    }
  });
}

NETPOLL_FOR_WORKERS(ContextTest);

}  // namespace
}  // namespace netpoll::testing

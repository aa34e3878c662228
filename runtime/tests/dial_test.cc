// SPDX-License-Identifier: MIT
#include <atomic>
#include <cerrno>

#include "dead_port.h"
#include "silent_listener.h"
#include "support.h"

namespace netpoll::testing {
namespace {

class DialTest : public WorkersTest {};

TEST_P(DialTest, RefusedSaysSoAndLeaksNothing) {
  run([](Runtime&) {
    const DeadPort dead;
    const Address nobody = dead.at();
    const int before = open_fds();
    for (int i = 0; i < 200; i++) {
      auto [c, err] = dial_tcp(nobody);
      EXPECT_FALSE(c.valid());
      EXPECT_EQ(err.sys_errno(), ECONNREFUSED);
      EXPECT_EQ(err.op(), "dial");
      EXPECT_EQ(err.syscall(), "connect");
      EXPECT_EQ(err.address(), nobody);
      EXPECT_FALSE(err.timeout());
    }
    EXPECT_EQ(open_fds(), before);
  });
}

TEST_P(DialTest, TimesOutNotEarly) {
  run([](Runtime&) {
    SilentListener silent;
    const int before = open_fds();
    const auto start = Clock::now();
    auto [c, err] = dial_tcp(silent.at(), {.timeout = milliseconds(30)});
    EXPECT_GE(Clock::now() - start, milliseconds(30));
    EXPECT_FALSE(c.valid());
    EXPECT_EQ(err.code(), Errc::timeout) << err.message();
    EXPECT_TRUE(err.timeout());
    EXPECT_EQ(err.op(), "dial");
    EXPECT_EQ(open_fds(), before);
  });
}

TEST_P(DialTest, ANegativeTimeoutHasPassed) {
  run([](Runtime&) {
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    EXPECT_EQ(dial_tcp(l.addr(), {.timeout = milliseconds(-1)}).err.code(), Errc::timeout);
    EXPECT_EQ(dial_tcp(l.addr(), {.timeout = std::chrono::nanoseconds::min()}).err.code(),
              Errc::timeout);
  });
}

TEST_P(DialTest, ALongTimeoutNeitherOverflowsNorStays) {
  run([](Runtime& runtime) {
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    auto [c, err] = dial_tcp(l.addr(), {.timeout = std::chrono::nanoseconds::max()});
    EXPECT_FALSE(err) << err.message();
    EXPECT_EQ(runtime.counters().armed_timers, 0u);
    EXPECT_EQ(c.write("x", 1).n, 1u);
  });
}

TEST_P(DialTest, CancelEndsItPromptly) {
  run([](Runtime& runtime) {
    SilentListener silent;
    DialCanceller canceller;
    WaitGroup done;
    done.add(1);
    go([&] {
      const Error err = dial_tcp(silent.at(), {.canceller = &canceller}).err;
      EXPECT_EQ(err.code(), Errc::canceled) << err.message();
      EXPECT_FALSE(err.timeout());
      done.done();
    });
    ASSERT_TRUE(parked(runtime, 1));
    canceller.cancel();
    done.wait();
    EXPECT_EQ(dial_tcp(silent.at(), {.canceller = &canceller}).err.code(), Errc::canceled);
  });
}

TEST_P(DialTest, AContextEndsItAndSaysWhy) {
  run([](Runtime& runtime) {
    SilentListener silent;
    auto [ctx, cancel] = with_cancel(Context());
    WaitGroup done;
    done.go([&, c = ctx] {
      const Error err = dial_tcp(silent.at(), {.context = c}).err;
      EXPECT_EQ(err.code(), Errc::canceled) << err.message();
    });
    ASSERT_TRUE(parked(runtime, 1));
    cancel();
    done.wait();
    EXPECT_EQ(dial_tcp(silent.at(), {.context = ctx}).err.code(), Errc::canceled);

    const auto start = Clock::now();
    auto [timed, cancel_timed] = with_timeout(Context(), milliseconds(20));
    const Error late = dial_tcp(silent.at(), {.context = timed}).err;
    EXPECT_EQ(late.code(), Errc::timeout) << late.message();
    EXPECT_GE(Clock::now() - start, milliseconds(20));
    auto [past, cancel_past] = with_deadline(Context(), Deadline{});
    EXPECT_EQ(dial_tcp(silent.at(), {.context = past}).err.code(), Errc::timeout);

    // A context that ends after the dial disturbs nothing.
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    auto [after, cancel_after] = with_cancel(Context());
    TcpConn client = dial_tcp(l.addr(), {.context = after}).value;
    cancel_after();
    TcpConn server = l.accept().value;
    EXPECT_EQ(client.write("x", 1).n, 1u);
    EXPECT_EQ(read_exactly(server, 1), "x");
  });
}

TEST_P(DialTest, CancelAfterSuccessDisturbsNothing) {
  run([](Runtime&) {
    TcpListener l = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    for (int i = 0; i < 50; i++) {
      DialCanceller canceller;
      WaitGroup done;
      done.add(1);
      go([&, i] {
        for (int k = 0; k < i % 5; k++) yield();  // before, during and after the dial
        canceller.cancel();
        done.done();
      });
      auto [c, err] = dial_tcp(l.addr(), {.canceller = &canceller});
      done.wait();
      if (err) {
        EXPECT_EQ(err.code(), Errc::canceled);
        continue;
      }
      EXPECT_EQ(c.write("still fine", 10).n, 10u);
    }
  });
}

TEST_P(DialTest, NeverSucceedsWithoutAPeer) {
  // A connection that is up according to SO_ERROR but has no peer would fail its first write with
  // ENOTCONN.
  run([](Runtime&) {
    const DeadPort dead;
    const Address nobody = dead.at();
    for (int i = 0; i < 500; i++) {
      auto [c, err] = dial_tcp(nobody, {.timeout = std::chrono::microseconds(1 + i % 100)});
      if (err) continue;
      EXPECT_EQ(c.write("x", 1).err.sys_errno(), 0);
    }
  });
}

TEST_P(DialTest, NoneSucceedsToAClosedPortHoweverItIsCancelled) {
  run([](Runtime&) {
    const DeadPort dead;
    const Address nobody = dead.at();
    const int before = open_fds();
    for (int i = 0; i < 500; i++) {
      DialCanceller canceller;
      WaitGroup done;
      done.add(1);
      go([&, i] {
        for (int k = 0; k < i % 4; k++) yield();
        canceller.cancel();
        done.done();
      });
      auto [c, err] = dial_tcp(nobody, {.canceller = &canceller});
      done.wait();
      EXPECT_FALSE(c.valid());
      EXPECT_TRUE(err.code() == Errc::canceled || err.sys_errno() == ECONNREFUSED) << err.message();
    }
    EXPECT_EQ(open_fds(), before);
  });
}

NETPOLL_FOR_WORKERS(DialTest);

}  // namespace
}  // namespace netpoll::testing

// SPDX-License-Identifier: MIT
// Several addresses: the share of time for each, the race of two families (net/dial_test.go:
// TestDialParallel, TestDialerFallbackDelay, TestDialerPartialDeadline, TestDialerDualStackFDLeak).
#include "src/dial_race.h"

#include <atomic>

#include "dead_port.h"
#include "endpoints.h"
#include "silent_listener.h"
#include "src/scheduler.h"

namespace netpoll::testing {
namespace {

TEST(PartialDeadlineTest, SharesWhatIsLeft) {
  const Deadline now = Deadline(std::chrono::seconds(1000));
  const auto in = [now](int s) { return now + std::chrono::seconds(s); };
  const struct {
    Deadline deadline;
    size_t left;
    Deadline want;
    bool timeout;
  } table[] = {
      {in(12), 1, in(12), false},
      {in(12), 2, in(6), false},
      {in(12), 3, in(4), false},
      {in(12), 999, in(2), false},  // at least two seconds
      {in(1), 1, in(1), false},
      {in(1), 2, in(1), false},  // but not more than there are
      {Deadline{}, 1, Deadline{}, false},
      {now - std::chrono::nanoseconds(1), 1, {}, true},
      {now, 1, {}, true},
  };
  for (const auto& row : table) {
    Deadline got;
    const Error err = partial_deadline(now, row.deadline, row.left, &got);
    EXPECT_EQ(err.code() == Errc::timeout, row.timeout);
    if (!row.timeout) {
      EXPECT_EQ(got.time_since_epoch(), row.want.time_since_epoch());
    }
  }
}

class DialRaceTest : public WorkersTest {
 protected:
  static Error race(std::vector<Address> primaries, std::vector<Address> fallbacks,
                    const DialOptions& options, std::shared_ptr<net_fd>* out) {
    const dial_limits limits{dial_deadline(options), options.canceller};
    return dial_parallel(scheduler::current(""), net_tcp, primaries, fallbacks, options, limits,
                         out);
  }
};

constexpr auto never = std::chrono::hours(1);

TEST_P(DialRaceTest, WhoWinsAndWhatTheErrorIs) {
  run([](Runtime&) {
    SilentListener silent;
    TcpListener up = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    TcpListener up2 = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    const DeadPort dead, dead2;
    const Address down = dead.at(), down2 = dead2.at();
    const struct {
      std::vector<Address> primaries, fallbacks;
      std::chrono::nanoseconds delay;
      Address winner;  // none: fails, with the error of `failed`
      Address failed;
    } table[] = {
        {{up.addr()}, {up2.addr()}, never, up.addr(), {}},
        {{up.addr()}, {silent.at()}, never, up.addr(), {}},
        {{up.addr()}, {down}, never, up.addr(), {}},
        {{down}, {up.addr()}, never, up.addr(), {}},  // at once, not after the delay
        {{down, down2}, {up.addr()}, never, up.addr(), {}},
        {{down, up.addr()}, {down2}, never, up.addr(), {}},
        {{silent.at()}, {up.addr()}, milliseconds(5), up.addr(), {}},
        {{silent.at()}, {down, up.addr()}, milliseconds(5), up.addr(), {}},
        {{down}, {down2}, never, {}, down},
        {{down, up.addr()}, {up2.addr()}, never, up.addr(), {}},
        {{down2, down}, {down}, never, {}, down2},
    };
    const int before = open_fds();
    int i = 0;
    for (const auto& row : table) {
      std::shared_ptr<net_fd> fd;
      DialOptions options;
      options.fallback_delay = row.delay;
      const Error err = race(row.primaries, row.fallbacks, options, &fd);
      if (row.winner.empty()) {
        EXPECT_EQ(err.sys_errno(), ECONNREFUSED) << i;
        EXPECT_EQ(err.address(), row.failed) << i;
        EXPECT_EQ(err.op(), "dial");
      } else {
        EXPECT_FALSE(err) << i << ": " << err.message();
        EXPECT_EQ(fd->remote(), row.winner) << i;
        (void)fd->close();
      }
      i++;
      EXPECT_EQ(open_fds(), before) << "the loser is closed";
    }
  });
}

TEST_P(DialRaceTest, TheFallbackWaitsForItsDelay) {
  run([](Runtime&) {
    SilentListener silent;
    TcpListener up = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    for (const auto delay : {milliseconds(1), milliseconds(60)}) {
      std::shared_ptr<net_fd> fd;
      DialOptions options;
      options.fallback_delay = delay;
      const auto start = Clock::now();
      EXPECT_FALSE(race({silent.at()}, {up.addr()}, options, &fd));
      EXPECT_GE(Clock::now() - start, delay);
    }
    EXPECT_EQ(DialOptions{}.fallback_delay, milliseconds(300));
  });
}

TEST_P(DialRaceTest, BothMayConnectAndOneIsKept) {
  run([](Runtime& runtime) {
    TcpListener a = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    TcpListener b = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    for (int i = 0; i < 50; i++) {
      std::shared_ptr<net_fd> fd;
      DialOptions options;
      options.fallback_delay = std::chrono::nanoseconds(1);
      EXPECT_FALSE(race({a.addr()}, {b.addr()}, options, &fd));
      EXPECT_EQ(runtime.counters().live_poll_descs, 3u);  // two listeners and one connection
    }
    EXPECT_EQ(runtime.counters().armed_timers, 0u);
  });
}

TEST_P(DialRaceTest, CancelAndTimeoutEndBothSides) {
  run([](Runtime& runtime) {
    SilentListener silent, silent2;
    DialCanceller canceller;
    DialOptions options;
    options.fallback_delay = std::chrono::nanoseconds(1);
    options.canceller = &canceller;
    WaitGroup done;
    in_background(done, [&] {
      std::shared_ptr<net_fd> fd;
      const Error err = race({silent.at()}, {silent2.at()}, options, &fd);
      EXPECT_EQ(err.code(), Errc::canceled) << err.message();
      EXPECT_EQ(err.message(), "dial tcp " + silent.at().to_string() + ": operation was canceled");
      EXPECT_EQ(fd, nullptr);
    });
    ASSERT_TRUE(parked(runtime, 3));  // two connects, and the one who waits for them
    canceller.cancel();
    done.wait();

    options.canceller = nullptr;
    options.timeout = milliseconds(20);
    std::shared_ptr<net_fd> fd;
    const Error err = race({silent.at()}, {silent2.at()}, options, &fd);
    EXPECT_EQ(err.code(), Errc::timeout);
    EXPECT_EQ(err.message(), "dial tcp " + silent.at().to_string() + ": i/o timeout");
  });
}

TEST_P(DialRaceTest, OneAfterTheOtherWithinOneFamily) {
  run([](Runtime&) {
    TcpListener up = listen_tcp(Ipv4Endpoint::loopback(0)).value;
    const DeadPort dead, dead2;
    const Address down = dead.at(), down2 = dead2.at();
    const Address list[] = {down, down2, up.addr()};
    auto [c, err] = dial_tcp(list);
    ASSERT_FALSE(err) << err.message();
    EXPECT_EQ(c.remote_addr(), up.addr());
    EXPECT_EQ(dial_tcp(std::span(list, 2)).err.address(), down);  // the first error
    EXPECT_EQ(dial_tcp(std::span<const Address>()).err.message(), "dial tcp: missing address");
    EXPECT_EQ(dial_tcp(list, {.timeout = milliseconds(-1)}).err.code(), Errc::timeout);
    // The earlier of timeout and deadline holds.
    EXPECT_EQ(dial_tcp(list, {.timeout = never, .deadline = Clock::now()}).err.code(),
              Errc::timeout);
    EXPECT_EQ(
        dial_tcp(list, {.timeout = milliseconds(-1), .deadline = Clock::now() + never}).err.code(),
        Errc::timeout);
  });
}

TEST_P(DialRaceTest, ManyDualStackDialsLeaveNothing) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no IPv6";
  run([](Runtime&) {
    TcpListener l = listen_tcp(Ipv6Endpoint::any(0), {.dual_stack = true}).value;
    const uint16_t port = l.addr().port();
    const Address list[] = {Ipv6Endpoint::loopback(port), Ipv4Endpoint::loopback(port)};
    const DeadPort dead;
    const Address only_four[] = {Ipv6Endpoint::loopback(dead.at().port()),
                                 Ipv4Endpoint::loopback(port)};
    const int before = open_fds();
    WaitGroup done;
    for (int i = 0; i < 10; i++) {
      in_background(done, [&] {
        for (const auto& addresses : {list, only_four}) {
          auto [c, err] = dial_tcp(std::span(addresses, 2));
          EXPECT_FALSE(err) << err.message();
          EXPECT_FALSE(c.close());
        }
      });
    }
    done.wait();
    EXPECT_EQ(open_fds(), before);
  });
}

NETPOLL_FOR_WORKERS(DialRaceTest);

}  // namespace
}  // namespace netpoll::testing

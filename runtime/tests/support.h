// SPDX-License-Identifier: MIT
// What the tests share.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "netpoll/go.h"
#include "netpoll/net.h"
#include "netpoll/runtime.h"
#include "netpoll/sync.h"

namespace netpoll::testing {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

inline RuntimeOptions with_workers(int n) {
  RuntimeOptions o;
  o.workers = n;
  o.stack_size = 256 * 1024;  // a failing assertion formats its message on the goroutine's stack
  return o;
}

// Open descriptors of this process, of those with the lowest numbers.
inline int open_fds() {
  int n = 0;
  for (int fd = 0; fd < 512; fd++) n += fcntl(fd, F_GETFD) >= 0;
  return n;
}

// Gives way to others until `condition` holds; false if it does not within ten seconds. For waiting
// until another goroutine is blocked, which only counters can tell.
inline bool eventually(const std::function<bool()>& condition) {
  const auto give_up = Clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (Clock::now() > give_up) return false;
    yield();
  }
  return true;
}

// Waits until just n goroutines of `r` are parked on descriptors or in pipes.
inline bool parked(Runtime& r, uint32_t n) {
  return eventually([&] {
    const RuntimeCounters c = r.counters();
    return c.netpoll_waiters + c.pipe_waiters == n;
  });
}

struct Pair {
  TcpConn client;
  TcpConn server;
};

// A connected pair over loopback.
inline Pair connected_pair() {
  auto [listener, listen_err] = listen_tcp(Ipv4Endpoint::loopback(0));
  EXPECT_FALSE(listen_err) << listen_err.message();
  auto [client, dial_err] = dial_tcp(listener.addr());
  EXPECT_FALSE(dial_err) << dial_err.message();
  auto [server, accept_err] = listener.accept();
  EXPECT_FALSE(accept_err) << accept_err.message();
  return {client, server};
}

// Reads exactly n bytes, or fewer if the stream ends or fails before.
inline std::string read_exactly(TcpConn& c, size_t n) {
  std::string s(n, '\0');
  size_t have = 0;
  while (have < n) {
    const IoResult r = c.read(s.data() + have, n - have);
    if (r.err) break;
    have += r.n;
  }
  s.resize(have);
  return s;
}

// Runs `body` as the only first goroutine of a fresh runtime, for several numbers of workers.
class WorkersTest : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override { fds_before_ = open_fds(); }
  void TearDown() override { EXPECT_EQ(open_fds(), fds_before_) << "descriptors leaked"; }
  void run(const std::function<void(Runtime&)>& body) {
    Runtime runtime(with_workers(GetParam()));
    runtime.run([&] { body(runtime); });
    const RuntimeCounters c = runtime.counters();
    EXPECT_EQ(c.netpoll_waiters, 0u);
    EXPECT_EQ(c.pipe_waiters, 0u);
    EXPECT_EQ(c.live_goroutines, 0u);
    EXPECT_EQ(c.live_poll_descs, 0u);
    EXPECT_EQ(c.armed_timers, 0u);
  }

 private:
  int fds_before_ = 0;
};

#define NETPOLL_FOR_WORKERS(suite)                                     \
  INSTANTIATE_TEST_SUITE_P(Workers, suite, ::testing::Values(1, 2, 4), \
                           [](auto& i) { return std::to_string(i.param); })

}  // namespace netpoll::testing

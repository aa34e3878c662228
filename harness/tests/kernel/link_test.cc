// SPDX-License-Identifier: MIT
//
// Links: when a packet is there, and whether.
#include <algorithm>
#include <set>

#include "network_support.h"

namespace pollux::testing {
namespace {

// When each of `count` datagrams of `size` bytes that are sent at one moment arrives, in us behind
// that moment.
std::vector<NamedThread> datagrams(int count, size_t size, std::vector<int64_t>* arrivals) {
  static int64_t sent;
  auto receive = [=] {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in address = address_of("0.0.0.0", kPort);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    timeval patience{2, 0};
    EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    std::vector<char> buffer(size);
    arrivals->clear();
    while (recv(fd, buffer.data(), buffer.size(), 0) > 0) arrivals->push_back(now_us() - sent);
    close(fd);
  };
  auto send = [=] {
    usleep(100'000);  // the other one is there, even if it is held up
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in to = address_of(kServerIp, kPort);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    std::vector<char> bytes(size, 'x');
    sent = now_us();
    for (int i = 0; i < count; ++i) ::send(fd, bytes.data(), bytes.size(), 0);
    close(fd);
  };
  return {{0, receive}, {1, send}};
}

TEST(LinkTest, ConstantLatencyIsExactAndNoChoice) {
  for (uint64_t seed = 0; seed < 16; ++seed) {
    std::vector<int64_t> arrivals;
    RunResult result = run_seed(seed, constant_plan(), datagrams(1, 100, &arrivals));
    ASSERT_EQ(result.verdict, Verdict::held) << result.reason;
    ASSERT_EQ(arrivals.size(), 1u);
    // Threads may be held up; the packet is never early.
    EXPECT_GE(arrivals[0], 5000);
    for (const Deviation& deviation : result.deviations) {
      EXPECT_NE(deviation.site, site::kNetDelay);
      EXPECT_NE(deviation.site, site::kNetLatency);
    }
  }
  std::vector<int64_t> arrivals;
  run_on(constant_plan(), datagrams(1, 100, &arrivals));
  EXPECT_EQ(arrivals, std::vector<int64_t>{5000});
}

TEST(LinkTest, UniformLatencyIsSpreadEvenly) {
  std::vector<int64_t> all;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::vector<int64_t> arrivals;
    run_seed(seed, plan_with({.latency = Latency::uniform(10 * kMs, 20 * kMs)}),
             datagrams(1, 100, &arrivals));
    ASSERT_EQ(arrivals.size(), 1u);
    all.push_back(arrivals[0]);
  }
  std::sort(all.begin(), all.end());
  EXPECT_GE(all.front(), 10'000);
  EXPECT_LT(all.front(), 11'000);
  EXPECT_NEAR(static_cast<double>(all[100]), 15'000, 2'000);
  EXPECT_GT(all[190], 19'000);
}

TEST(LinkTest, HeavyTailIsMostlyShortAndSometimesLong) {
  std::vector<int64_t> all;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    std::vector<int64_t> arrivals;
    run_seed(seed, plan_with({.latency = Latency::heavy_tail(1 * kMs, 1000 * kMs)}),
             datagrams(1, 100, &arrivals));
    ASSERT_EQ(arrivals.size(), 1u);
    all.push_back(arrivals[0]);
  }
  std::sort(all.begin(), all.end());
  EXPECT_GE(all.front(), 1'000);
  EXPECT_LT(all[200], 4'000);      // half of them within a few times the least
  EXPECT_GT(all.back(), 900'000);  // and one in 64 as long as can be
  EXPECT_LT(all[380], 100'000);
}

TEST(LinkTest, BandwidthMakesPacketsWaitForTheirTurn) {
  std::vector<int64_t> arrivals;
  LinkOptions link{.latency = Latency::constant(kLatency), .bytes_per_second = 1'000'000};
  run_on(plan_with(link), datagrams(3, 1000, &arrivals));
  // The first leaves when its last bit does, the others behind it. Three sends take less than 1 us.
  EXPECT_EQ(arrivals, (std::vector<int64_t>{6000, 7000, 8000}));
}

TEST(LinkTest, WhatDoesNotFitIntoTheBufferIsLost) {
  std::vector<int64_t> arrivals;
  LinkOptions link{
      .latency = Latency::constant(kLatency), .bytes_per_second = 1'000'000, .buffer_bytes = 2500};
  run_on(plan_with(link), datagrams(5, 1000, &arrivals));
  EXPECT_EQ(arrivals, (std::vector<int64_t>{6000, 7000}));
  // A packet that is larger than the buffer still goes when the link is idle.
  link.buffer_bytes = 10;
  run_on(plan_with(link), datagrams(5, 1000, &arrivals));
  EXPECT_EQ(arrivals, std::vector<int64_t>{6000});
}

TEST(LinkTest, LossDoublingAndOvertakingAreChoicesOfTheLink) {
  std::set<size_t> counts;
  bool overtaken = false;
  size_t lost = 0, runs = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::vector<int64_t> arrivals;
    run_seed(seed, plan_with({.latency = Latency::constant(kLatency), .loss_one_in = 4}),
             datagrams(4, 100, &arrivals));
    lost += 4 - arrivals.size();
    runs += 4;
    run_seed(seed, plan_with({.latency = Latency::constant(kLatency), .duplicate_one_in = 4}),
             datagrams(4, 100, &arrivals));
    EXPECT_GE(arrivals.size(), 4u);
    counts.insert(arrivals.size());
    run_seed(seed, plan_with({.latency = Latency::constant(kLatency), .reorder_one_in = 4}),
             datagrams(4, 100, &arrivals));
    EXPECT_EQ(arrivals.size(), 4u);
    overtaken |= arrivals.back() >= 15'000;
  }
  EXPECT_NEAR(static_cast<double>(lost) / static_cast<double>(runs), 0.25, 0.08);
  EXPECT_GE(counts.size(), 3u);
  EXPECT_TRUE(overtaken);
}

TEST(LinkTest, ANearPeerDoesNotWaitForAFarOne) {
  auto plan = plan_with({.latency = Latency::constant(1 * kMs)});
  plan->links = {{0, 1, {.latency = Latency::constant(80 * kMs)}}};
  int64_t sent = 0, near = 0, far = 0;
  auto receive = [&sent](int64_t* arrival) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in address = address_of("0.0.0.0", kPort);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(read_one(fd), 'x');
    *arrival = now_us() - sent;
    close(fd);
  };
  RunResult result = run_on(
      plan, {{0,
              [&] {
                usleep(1000);
                int fd = socket(AF_INET, SOCK_DGRAM, 0);
                sent = now_us();
                for (const char* ip : {"10.0.0.2", "10.0.0.3"}) {
                  sockaddr_in to = address_of(ip, kPort);
                  EXPECT_EQ(sendto(fd, "x", 1, 0, reinterpret_cast<sockaddr*>(&to), sizeof to), 1);
                }
                close(fd);
              }},
             {1, [&] { receive(&far); }},
             {2, [&] { receive(&near); }}});
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason << result.details;
  EXPECT_EQ(far, 80'000);
  EXPECT_EQ(near, 1'000);
}

TEST(LinkTest, LinksAreOneWayAndHostsHaveTheAddressesOfThePlan) {
  auto plan = constant_plan();
  plan->hosts = {{"server", 0xC0000201}, {"client", 0xC0000202}};  // 192.0.2.1, .2
  plan->links = {{1, 0, {.latency = Latency::constant(1 * kMs)}},
                 {0, 1, {.latency = Latency::constant(30 * kMs)}}};
  int64_t there = 0, back = 0;
  std::string peer;
  RunResult result = run_on(plan, {{0,
                                    [&] {
                                      int fd = serve_one();
                                      sockaddr_in from{};
                                      socklen_t size = sizeof from;
                                      getpeername(fd, reinterpret_cast<sockaddr*>(&from), &size);
                                      char text[INET_ADDRSTRLEN] = "";
                                      inet_ntop(AF_INET, &from.sin_addr, text, sizeof text);
                                      peer = text;
                                      EXPECT_EQ(read_one(fd), 'a');
                                      there = now_us() - there;
                                      back = now_us();
                                      EXPECT_EQ(send(fd, "b", 1, 0), 1);
                                      EXPECT_EQ(read_one(fd), 0);
                                      close(fd);
                                    }},
                                   {1, [&] {
                                      int fd = connected("192.0.2.1");
                                      sleep_ms(100);
                                      there = now_us();
                                      EXPECT_EQ(send(fd, "a", 1, 0), 1);
                                      EXPECT_EQ(read_one(fd), 'b');
                                      back = now_us() - back;
                                      // The address that it would have without a plan is nobody's.
                                      int other = socket(AF_INET, SOCK_STREAM, 0);
                                      EXPECT_EQ(try_connect(other), ENETUNREACH);
                                      close(other);
                                      close(fd);
                                    }}});
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason << result.details;
  EXPECT_EQ(peer, "192.0.2.2");
  EXPECT_EQ(there, 1000);
  EXPECT_EQ(back, 30'000);
}

TEST(LinkTest, ARuleChangesALinkAndChangesItBack) {
  std::vector<int64_t> round_trips;  // ms
  RunResult result =
      run_on(constant_plan(),
             {{0,
               [] {
                 int fd = serve_one();
                 for (int byte = 0; (byte = read_one(fd)) > 0;) {
                   EXPECT_EQ(send(fd, "y", 1, 0), 1);
                 }
                 close(fd);
               }},
              {1, [&] {
                 int fd = connected();
                 auto ask = [&] {
                   int64_t sent = now_us();
                   EXPECT_EQ(send(fd, "x", 1, 0), 1);
                   EXPECT_EQ(read_one(fd), 'y');
                   round_trips.push_back((now_us() - sent) / 1000);
                 };
                 Network network;
                 ask();
                 {
                   auto slow = network.change(0, 1, {.latency = Latency::constant(50 * kMs)});
                   ask();
                   auto slower = network.change(0, 1, {.latency = Latency::constant(70 * kMs)});
                   ask();
                   slow.end();
                   ask();
                 }
                 ask();
                 close(fd);
               }}});
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  EXPECT_EQ(round_trips, (std::vector<int64_t>{10, 100, 140, 140, 10}));
}

}  // namespace
}  // namespace pollux::testing

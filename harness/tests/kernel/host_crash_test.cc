// SPDX-License-Identifier: MIT
//
// Hosts that go down and come up again, as their peers see it.
#include "network_support.h"

namespace pollux::testing {
namespace {

TEST(HostCrashTest, PeersMeetSilenceAndThenAReset) {
  std::vector<int> boots;  // what survives is like a disk
  std::vector<int> seen;
  int64_t sent_at = 0, refused_at = 0;
  RunResult result = run_on(constant_plan(),
                            {{0,
                              [&] {
                                boots.push_back(static_cast<int>(now_us() / 1'000'000));
                                int fd = serve_one();
                                if (boots.size() == 1) {
                                  EXPECT_EQ(read_one(fd), 'a');
                                  read_one(fd);
                                  ADD_FAILURE() << "the host is off";
                                }
                                EXPECT_EQ(read_one(fd), 'c');
                                close(fd);
                              }},
                             {1,
                              [&] {
                                int fd = connected();
                                EXPECT_EQ(send(fd, "a", 1, 0), 1);
                                sleep_ms(2'500);  // it went down at 2 s
                                timeval patience{1, 0};
                                setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
                                seen.push_back(read_one(fd));
                                sleep_ms(1'000);  // it is up since 4 s
                                seen.push_back(read_one(fd));
                                sent_at = now_us();
                                EXPECT_EQ(send(fd, "b", 1, 0), 1);
                                seen.push_back(read_one(fd));
                                refused_at = now_us();
                                close(fd);
                                fd = connected();
                                EXPECT_EQ(send(fd, "c", 1, 0), 1);
                                EXPECT_EQ(read_one(fd), 0);
                                close(fd);
                              }},
                             {kObserver, [] {
                                sleep_ms(2'000);
                                auto off = Network().crash(0);
                                sleep_ms(2'000);
                              }}});
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason << result.details;
  EXPECT_EQ(seen, (std::vector<int>{-EAGAIN, -EAGAIN, -ECONNRESET}));
  EXPECT_EQ((refused_at - sent_at) / 1000, 10);
  EXPECT_EQ(boots, (std::vector<int>{0, 4}));
}

TEST(HostCrashTest, WhatIsSentToAHostThatIsDownIsRefusedWhenItIsUp) {
  int64_t sent = 0, refused = 0;
  RunResult result = run_on(constant_plan(), {{0,
                                               [] {
                                                 if (now_us() > 500'000) return;
                                                 read_one(serve_one());
                                               }},
                                              {1, [&] {
                                                 int fd = connected();
                                                 sleep_ms(50);
                                                 auto off = Network().crash(0);
                                                 sent = now_us();
                                                 EXPECT_EQ(send(fd, "x", 1, 0), 1);
                                                 sleep_ms(1'000);
                                                 off.end();
                                                 EXPECT_EQ(read_one(fd), -ECONNRESET);
                                                 refused = now_us();
                                                 close(fd);
                                               }}});
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason << result.details;
  // The retransmission after 8 R, there and back.
  EXPECT_EQ((refused - sent) / 1000, 8 * 210 + 10);
}

TEST(HostCrashTest, WhileItIsDownItCanNotBeReached) {
  int64_t took = 0, gave_up = 0;
  RunResult result = run_on(constant_plan(), {{0, [] { read_one(serve_one()); }},
                                              {1, [&] {
                                                 int fd = connected();
                                                 sleep_ms(50);
                                                 Network().crash(0).keep();
                                                 // As measured on Linux: nobody answers ARP.
                                                 int other = socket(AF_INET, SOCK_STREAM, 0);
                                                 int64_t began = now_us();
                                                 EXPECT_EQ(try_connect(other), EHOSTUNREACH);
                                                 took = now_us() - began;
                                                 close(other);
                                                 set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 10'000);
                                                 began = now_us();
                                                 EXPECT_EQ(send(fd, "x", 1, 0), 1);
                                                 EXPECT_EQ(read_one(fd), -EHOSTUNREACH);
                                                 gave_up = now_us() - began;
                                                 close(fd);
                                               }}});
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason << result.details;
  EXPECT_EQ(took / 1000, 3'000);
  EXPECT_EQ(gave_up / 1000, 420 + 10'000);
}

TEST(HostCrashTest, AWaitForADeadPeerIsADeadlock) {
  RunResult result =
      run_on(constant_plan(), {{0, [] { read_one(serve_one()); }}, {1, [&] {
                                                                      int fd = connected();
                                                                      sleep_ms(50);
                                                                      Network().crash(0).keep();
                                                                      read_one(fd);
                                                                    }}});
  EXPECT_EQ(result.verdict, Verdict::deadlock) << result.reason;
  EXPECT_EQ(result.reason, "thread1 waits for io");
}

TEST(HostCrashTest, TimersLocksAndDescriptorsOfTheHostAreGone) {
  // A periodic timer, a timer of a poll, a sleeper, one that holds a lock, epoll and a pipe.
  for (uint64_t seed = 0; seed < 40; ++seed) {
    int boots = 0, others = 0;
    RunResult result = run_seed(seed, constant_plan(),
                                {{0,
                                  [&] {
                                    if (++boots > 1) return;
                                    int set = epoll_create1(0);
                                    int listener = listen_at(kPort);
                                    watch(set, listener, EPOLLIN);
                                    int ends[2];
                                    EXPECT_EQ(pipe(ends), 0);
                                    watch(set, ends[0], EPOLLIN | EPOLLET);
                                    for (;;) {
                                      epoll_event events[4];
                                      epoll_wait(set, events, 4, 7);
                                    }
                                  }},
                                 {0,
                                  [&] {
                                    if (++others > 1) return;
                                    for (;;) usleep(300);
                                  }},
                                 {kObserver, [] {
                                    sleep_ms(100);
                                    auto off = Network().crash(0);
                                    sleep_ms(100);
                                  }}});
    ASSERT_EQ(result.verdict, Verdict::held) << "seed " << seed << ": " << result.reason;
    EXPECT_EQ(boots, 2);
    EXPECT_EQ(others, 2);
    EXPECT_LT(result.virtual_ns, 400 * kMs);
  }
}

TEST(HostCrashTest, APlannedCrashHitsWhoeverRuns) {
  // The host's thread computes and calls without a pause when the moment comes.
  for (uint64_t seed = 0; seed < 20; ++seed) {
    auto plan = constant_plan();
    plan->rules = {{.kind = RulePlan::Kind::crash, .a = 0, .from_ns = 1 * kMs, .to_ns = 2 * kMs}};
    int boots = 0;
    int64_t last = 0, again = 0;
    RunResult result = run_seed(seed, plan, {{0, [&] {
                                                if (++boots > 1) {
                                                  again = now_us();
                                                  return;
                                                }
                                                for (;;) {
                                                  last = now_us();
                                                  close(socket(AF_INET, SOCK_STREAM, 0));
                                                }
                                              }}});
    ASSERT_EQ(result.verdict, Verdict::held) << "seed " << seed << ": " << result.reason;
    EXPECT_EQ(boots, 2);
    EXPECT_LE(last, 1'001);
    EXPECT_GE(again, 2'000);
  }
}

TEST(HostCrashTest, ACrashForGoodOfTheLastHostEndsTheRun) {
  auto plan = constant_plan();
  plan->rules = {{.kind = RulePlan::Kind::crash, .a = 0, .from_ns = 1 * kMs}};
  RunResult result = run_on(plan, {{0, [] {
                                      for (;;) usleep(100);
                                    }}});
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
}

TEST(HostCrashTest, AHostComesBackWhileNobodyRuns) {
  // The thread that ended last is still on its stack when time starts its host anew.
  auto plan = constant_plan();
  plan->rules = {{.kind = RulePlan::Kind::crash, .a = 0, .from_ns = 1 * kMs, .to_ns = 2 * kMs}};
  int boots = 0;
  RunResult result = run_on(plan, {{0,
                                    [&] {
                                      ++boots;
                                      usleep(100);
                                    }},
                                   {1, [] { sleep_ms(10); }}});
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  EXPECT_EQ(boots, 2);
}

TEST(HostCrashTest, AHostMayCrashAnyNumberOfTimes) {
  auto plan = constant_plan();
  for (int64_t i = 0; i < 200; ++i) {
    plan->rules.push_back({.kind = RulePlan::Kind::crash,
                           .a = 0,
                           .from_ns = (2 * i + 1) * kMs,
                           .to_ns = (2 * i + 2) * kMs});
  }
  int boots = 0;
  RunResult result = run_on(plan, {{0,
                                    [&] {
                                      ++boots;
                                      int ends[2];
                                      EXPECT_EQ(pipe(ends), 0);
                                      pollfd wanted{ends[0], POLLIN, 0};
                                      while (boots <= 200) poll(&wanted, 1, -1);
                                      close(ends[0]);
                                      close(ends[1]);
                                    }},
                                   {1, [] { sleep_ms(500); }}});
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason << result.details;
  EXPECT_EQ(boots, 201);
}

TEST(HostCrashTest, ACrashEndsAThreadThatNeverWaits) {
  auto plan = constant_plan();
  plan->rules = {{.kind = RulePlan::Kind::crash, .a = 0, .from_ns = 1 * kMs}};
  RunResult result = run_on(plan, {{0, [] {
                                      for (;;) sched_yield();
                                    }}});
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
}

TEST(HostCrashTest, TheSameSeedIsTheSameRun) {
  auto plan = plan_with({.latency = Latency::uniform(kMs, 9 * kMs), .loss_one_in = 6});
  plan->rules = {
      {.kind = RulePlan::Kind::crash, .a = 0, .from_ns = 60 * kMs, .to_ns = 90 * kMs},
      {.kind = RulePlan::Kind::isolate, .a = 1, .from_ns = 200 * kMs, .to_ns = 230 * kMs}};
  auto run = [&](uint64_t seed) {
    return run_seed(seed, plan,
                    {{0,
                      [] {
                        int listener = listen_at(kPort);
                        int set = epoll_create1(0);
                        watch(set, listener, EPOLLIN);
                        while (now_us() < 2'000'000) {
                          if (next_event(set, 20) == 0) continue;
                          int fd = accept4(listener, nullptr, nullptr, 0);
                          if (fd < 0) continue;
                          timeval patience{0, 300'000};
                          setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
                          if (read_one(fd) > 0) send(fd, "y", 1, MSG_NOSIGNAL);
                          close(fd);
                        }
                        close(listener);
                        close(set);
                      }},
                     {1, [] {
                        while (now_us() < 1'000'000) {
                          int fd = socket(AF_INET, SOCK_STREAM, 0);
                          timeval patience{0, 200'000};
                          setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
                          setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
                          if (try_connect(fd) == 0) {
                            send(fd, "x", 1, MSG_NOSIGNAL);
                            read_one(fd);
                          }
                          close(fd);
                          sleep_ms(3);
                        }
                      }}});
  };
  for (uint64_t seed = 0; seed < 30; ++seed) {
    RunResult first = run(seed), second = run(seed);
    ASSERT_EQ(first.verdict, Verdict::held) << "seed " << seed << ": " << first.reason;
    EXPECT_EQ(first.hash, second.hash) << seed;
  }
}

}  // namespace
}  // namespace pollux::testing

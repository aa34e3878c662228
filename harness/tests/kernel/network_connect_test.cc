// SPDX-License-Identifier: MIT
//
// The handshake over links that lose.
#include "network_support.h"

namespace pollux::testing {
namespace {

int64_t ms(int64_t us) { return us / 1000; }

// connect() from host 1 to host 0 while they are cut off from each other.
int64_t ms_to_connect(std::function<void(int)> set_up, int wanted, int64_t heal_after_ms = -1) {
  int64_t took = 0;
  RunResult result = run_on(constant_plan(), {{0,
                                               [&] {
                                                 if (wanted != 0) return;
                                                 close(serve_one());
                                               }},
                                              {1,
                                               [&] {
                                                 usleep(1000);
                                                 int fd = socket(AF_INET, SOCK_STREAM, 0);
                                                 set_up(fd);
                                                 int64_t started = now_us();
                                                 EXPECT_EQ(try_connect(fd), wanted);
                                                 took = now_us() - started;
                                                 close(fd);
                                               }},
                                              {kObserver, [&] {
                                                 Network network;
                                                 auto cut = network.partition(0, 1);
                                                 if (heal_after_ms >= 0) {
                                                   sleep_ms(heal_after_ms);
                                                 } else {
                                                   cut.keep();
                                                 }
                                               }}});
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  return ms(took);
}

TEST(NetworkConnectTest, ConnectTriesAgainAndAtLastGivesUp) {
  auto nothing = [](int) {};
  EXPECT_EQ(ms_to_connect(nothing, ETIMEDOUT), 131'000);
  auto with = [](int count) {
    return [count](int fd) { set_int(fd, IPPROTO_TCP, TCP_SYNCNT, count); };
  };
  EXPECT_EQ(ms_to_connect(with(1), ETIMEDOUT), 3'000);
  EXPECT_EQ(ms_to_connect(with(2), ETIMEDOUT), 7'000);
  auto user_timeout = [](int fd) { set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 2500); };
  EXPECT_EQ(ms_to_connect(user_timeout, ETIMEDOUT), 2'500);
  // The third SYN gets through.
  EXPECT_EQ(ms_to_connect(nothing, 0, 1'500), 2'010);
}

void serve_an_x() {
  int fd = serve_one();
  EXPECT_EQ(read_one(fd), 'x');
  close(fd);
}

TEST(NetworkConnectTest, ASynAckOrTheLastAckMayBeLost) {
  // The way back is cut while the SYN arrives: the client's next SYN is answered.
  for (int64_t cut_at_ms : {0, 7}) {
    int64_t took = 0;
    RunResult result = run_on(constant_plan(), {{0, serve_an_x},
                                                {1,
                                                 [&] {
                                                   int64_t started = now_us();
                                                   int fd = connected();
                                                   took = now_us() - started;
                                                   EXPECT_EQ(send(fd, "x", 1, 0), 1);
                                                   EXPECT_EQ(read_one(fd), 0);
                                                   close(fd);
                                                 }},
                                                {kObserver, [&] {
                                                   sleep_ms(cut_at_ms);
                                                   Network network;
                                                   auto cut = network.partition_one_way(0, 1);
                                                   sleep_ms(100);
                                                 }}});
    EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
    EXPECT_EQ(ms(took), 1'011) << cut_at_ms;
  }
  // The client is through, its ACK and its first byte are not.
  RunResult result = run_on(constant_plan(), {{0, serve_an_x},
                                              {1,
                                               [&] {
                                                 int fd = connected();
                                                 EXPECT_EQ(send(fd, "x", 1, 0), 1);
                                                 EXPECT_EQ(read_one(fd), 0);
                                                 close(fd);
                                               }},
                                              {kObserver, [&] {
                                                 sleep_ms(8);
                                                 Network network;
                                                 auto cut = network.partition_one_way(1, 0);
                                                 sleep_ms(100);
                                               }}});
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
}

TEST(NetworkConnectTest, TheClientTriesAgainWhenTheListenerHasGivenUp) {
  // The SYN gets through, its answers do not; at 63 s the listener forgets it.
  int64_t took = 0;
  RunResult result = run_on(constant_plan(), {{0, [] { close(serve_one()); }},
                                              {1,
                                               [&] {
                                                 usleep(1000);
                                                 int fd = socket(AF_INET, SOCK_STREAM, 0);
                                                 int64_t started = now_us();
                                                 EXPECT_EQ(try_connect(fd), 0);
                                                 took = now_us() - started;
                                                 close(fd);
                                               }},
                                              {kObserver, [] {
                                                 auto cut = Network().partition_one_way(0, 1);
                                                 sleep_ms(66'000);
                                               }}});
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  EXPECT_EQ(ms(took), 67'010);
}

TEST(NetworkConnectTest, ARefusalMayBeLost) {
  int64_t took = 0;
  RunResult result = run_on(constant_plan(), {{1,
                                               [&] {
                                                 int fd = socket(AF_INET, SOCK_STREAM, 0);
                                                 int64_t started = now_us();
                                                 EXPECT_EQ(try_connect(fd), ECONNREFUSED);
                                                 took = now_us() - started;
                                                 close(fd);
                                               }},
                                              {kObserver, [] {
                                                 sleep_ms(7);  // it is on its way
                                                 auto cut = Network().partition_one_way(0, 1);
                                                 sleep_ms(100);
                                               }}});
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  EXPECT_EQ(ms(took), 1'010);
}

}  // namespace
}  // namespace pollux::testing

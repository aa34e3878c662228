// SPDX-License-Identifier: MIT
//
// Hosts that talk over links of a plan. Times are looked at in microseconds: what the calls
// themselves cost is less than one.
#pragma once

#include <netinet/tcp.h>
#include <poll.h>

#include <cerrno>
#include <memory>

#include "pollux/network.h"
#include "run_support.h"

namespace pollux::testing {

inline constexpr int64_t kMs = 1'000'000;  // in ns
inline constexpr int64_t kLatency = 5 * kMs;

// Since the run began, which is when the clock shows 1000 s.
inline int64_t now_us() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (time.tv_sec - 1000) * 1'000'000 + time.tv_nsec / 1000;
}

// Every link between hosts as `link` says; a constant latency asks for no choice at all.
inline std::shared_ptr<NetworkPlan> plan_with(const LinkOptions& link) {
  auto plan = std::make_shared<NetworkPlan>();
  plan->link = link;
  return plan;
}
inline std::shared_ptr<NetworkPlan> constant_plan(int64_t latency = kLatency) {
  return plan_with({.latency = Latency::constant(latency)});
}

// Without a deviation.
inline RunResult run_on(std::shared_ptr<const NetworkPlan> plan,
                        const std::vector<NamedThread>& threads, bool check_leaks = true) {
  std::unique_ptr<Strategy> strategy = make_replay_strategy({});
  Setting setting;
  setting.plan = std::move(plan);
  setting.check_leaks = check_leaks;
  return run_with(*strategy, setting, threads);
}

// With all that a seed chooses, but no fault of a call.
inline RunResult run_seed(uint64_t seed, std::shared_ptr<const NetworkPlan> plan,
                          const std::vector<NamedThread>& threads) {
  std::unique_ptr<Strategy> strategy =
      make_random_strategy(seed, std::vector<double>(faults::kPointCount), 1.0);
  Setting setting;
  setting.plan = std::move(plan);
  return run_with(*strategy, setting, threads);
}

inline constexpr const char* kServerIp = "10.0.0.1";  // host 0
inline constexpr uint16_t kPort = 7000;

// Blocking sockets.
inline int serve_one() {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = address_of("0.0.0.0", kPort);
  EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(listen(listener, 16), 0);
  int fd = accept(listener, nullptr, nullptr);
  EXPECT_GE(fd, 0);
  close(listener);
  return fd;
}

// 0 or the errno.
inline int try_connect(int fd, const char* ip = kServerIp) {
  sockaddr_in address = address_of(ip, kPort);
  return connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

inline int connected(const char* ip = kServerIp) {
  for (;;) {
    usleep(1000);  // the server listens by then, unless it is held up
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int error = try_connect(fd, ip);
    if (error == 0) return fd;
    EXPECT_EQ(error, ECONNREFUSED);
    close(fd);
  }
}

inline void set_int(int fd, int level, int option, int value) {
  EXPECT_EQ(setsockopt(fd, level, option, &value, sizeof value), 0);
}

// What a read of one byte gives: the byte, 0 at the end, -errno.
inline int read_one(int fd) {
  char byte = 0;
  ssize_t got = recv(fd, &byte, 1, 0);
  return got < 0 ? -errno : got == 0 ? 0 : byte;
}

inline void sleep_ms(int64_t ms) {
  timespec time{ms / 1000, ms % 1000 * kMs};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

}  // namespace pollux::testing

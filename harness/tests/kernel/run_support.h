// SPDX-License-Identifier: MIT
//
// Runs for the twin's tests: plain POSIX code in a World, with chosen faults.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "pollux/faults/catalogue.h"
#include "pollux/faults/point.h"
#include "pollux/world.h"

namespace pollux::testing {

struct NamedThread {
  unsigned host;
  std::function<void()> body;
};

struct Setting {
  std::vector<faults::PointId> points;  // armed
  bool check_leaks = true;
  uint32_t fd_limit = 1024;
  NetworkOptions network;
  std::shared_ptr<const NetworkPlan> plan = nullptr;
};

inline RunResult run_with(Strategy& strategy, const Setting& setting,
                          const std::vector<NamedThread>& threads) {
  RunOptions options;
  options.strategy = &strategy;
  options.fault_points.assign(setting.points.begin(), setting.points.end());
  options.check_leaks = setting.check_leaks;
  options.fd_limit = setting.fd_limit;
  options.network = setting.network;
  options.plan = setting.plan;
  World world(options);
  for (size_t i = 0; i < threads.size(); ++i) {
    world.add_thread("thread" + std::to_string(i), threads[i].host, threads[i].body);
  }
  return world.run();
}

// One thread, no deviation.
inline RunResult run_boring(std::function<void()> body, const Setting& setting = {}) {
  std::unique_ptr<Strategy> strategy = make_replay_strategy({});
  return run_with(*strategy, setting, {{0, std::move(body)}});
}

// One thread; each of `points` happens at its first visit.
inline RunResult run_with_first(const std::vector<faults::PointId>& points,
                                std::function<void()> body) {
  std::vector<Deviation> deviations;
  for (faults::PointId point : points) {
    deviations.push_back({0, static_cast<Site>(site::kFirstFault + point), 0, 1});
  }
  std::unique_ptr<Strategy> strategy = make_replay_strategy(deviations);
  Setting setting;
  setting.points = points;
  return run_with(*strategy, setting, {{0, std::move(body)}});
}

inline sockaddr_in address_of(const char* ip, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, ip, &address.sin_addr);
  return address;
}

inline int listen_at(uint16_t port, int backlog = 16) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address = address_of("0.0.0.0", port);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(listen(fd, backlog), 0);
  return fd;
}

inline int start_connect(const char* ip, uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address = address_of(ip, port);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), -1);
  EXPECT_EQ(errno, EINPROGRESS);
  return fd;
}

// Longer than any round trip.
inline void settle() { usleep(20'000); }

struct Connection {
  int listener, client, server;

  explicit Connection(uint16_t port = 7000)
      : listener(listen_at(port)), client(start_connect("127.0.0.1", port)) {
    settle();
    server = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    EXPECT_GE(server, 0);
  }
  void close_all() {
    for (int fd : {listener, client, server}) {
      if (fd >= 0) close(fd);
    }
  }
};

inline int watch(int set, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

// The mask that one epoll_wait reports for the only ready descriptor; 0: nothing.
inline uint32_t next_event(int set, int timeout_ms = 0) {
  epoll_event event{};
  return epoll_wait(set, &event, 1, timeout_ms) == 1 ? event.events : 0;
}

}  // namespace pollux::testing

// SPDX-License-Identifier: MIT
//
// How many runs of a short scenario fit into a second of CPU: a server and a client on two hosts,
// plain blocking sockets, 200 system calls and a switch of threads for most of them. Prints "name
// value unit" lines.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "measured.h"
#include "pollux/world.h"

namespace {

using pollux::bench::cpu_seconds;
using pollux::bench::require;

constexpr int kRounds = 47;
constexpr uint16_t kPort = 7000;

sockaddr_in server_address() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  inet_pton(AF_INET, "10.0.0.1", &address.sin_addr);
  return address;
}

void serve() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = server_address();
  require(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
  require(listen(listener, 1) == 0, "listen");
  const int peer = accept(listener, nullptr, nullptr);
  char buffer[64];
  for (ssize_t size; (size = recv(peer, buffer, sizeof buffer, 0)) > 0;) {
    require(send(peer, buffer, static_cast<size_t>(size), MSG_NOSIGNAL) == size, "send");
  }
  close(peer);
  close(listener);
}

// The server may not listen yet.
int connected() {
  const sockaddr_in address = server_address();
  for (;;) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    close(fd);
  }
}

void ask() {
  const int fd = connected();
  char buffer[64] = {};
  for (int i = 0; i < kRounds; ++i) {
    require(send(fd, buffer, sizeof buffer, MSG_NOSIGNAL) == sizeof buffer, "send");
    require(recv(fd, buffer, sizeof buffer, MSG_WAITALL) == sizeof buffer, "recv");
  }
  close(fd);
}

}  // namespace

int main() {
  constexpr double kSeconds = 2.0;
  uint64_t runs = 0, calls = 0, switches = 0;
  const double start = cpu_seconds();
  double seconds = 0;
  while (seconds < kSeconds) {
    for (int i = 0; i < 1000; ++i, ++runs) {
      const std::unique_ptr<pollux::Strategy> strategy =
          pollux::make_random_strategy(runs, {}, 1.0);
      pollux::RunOptions options;
      options.strategy = strategy.get();
      pollux::World world(options);
      world.add_thread("server", 0, serve);
      world.add_thread("client", 1, ask);
      const pollux::RunResult result = world.run();
      require(result.verdict == pollux::Verdict::held, result.reason.c_str());
      calls += result.calls;
      switches += result.switches;
    }
    seconds = cpu_seconds() - start;
  }
  const auto per_run = [&](uint64_t count) {
    return static_cast<double>(count) / static_cast<double>(runs);
  };
  std::printf("scenario_runs %.0f runs/cpu-s\n", static_cast<double>(runs) / seconds);
  std::printf("scenario_calls_per_run %.0f calls\n", per_run(calls));
  std::printf("scenario_switches_per_run %.0f switches\n", per_run(switches));
  return 0;
}

// SPDX-License-Identifier: MIT
//
// What a simulated system call costs, through the shim as a program makes it, beside the cheapest
// call of the real kernel. One benchmark iteration is one run that makes the call kCalls times;
// the time is taken inside of the run, by raw system calls.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <functional>
#include <vector>

#include "kernel/kernel.h"
#include "pollux/shim/raw_system_call.h"
#include "pollux/world.h"

namespace pollux {
namespace {

constexpr int kCalls = 100'000;

// CPU time: the machine may be busy with other things.
int64_t real_ns() {
  timespec now;
  shim::raw_system_call(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, reinterpret_cast<long>(&now));
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

// Runs `body` as the only thread of a run. It answers how long the measured part took.
void run_measured(benchmark::State& state, int64_t calls, const std::function<int64_t()>& body) {
  for (auto _ : state) {
    std::unique_ptr<Strategy> strategy = make_replay_strategy({});
    RunOptions options;
    options.strategy = strategy.get();
    options.calls_max = options.points_max = UINT64_MAX;
    options.spin_returns_max = UINT32_MAX;
    options.fd_limit = kernel::kFdBase + kernel::kFdCount;
    options.check_leaks = false;
    World world(options);
    int64_t took = 0;
    world.add_thread("main", 0, [&] { took = body(); });
    RunResult result = world.run();
    if (result.verdict != Verdict::held) {
      state.SkipWithError((std::string(to_string(result.verdict)) + ": " + result.reason).c_str());
    }
    state.SetIterationTime(static_cast<double>(took) / 1e9);
  }
  state.SetItemsProcessed(state.iterations() * calls);
}

template <class Call>
int64_t repeat(Call call) {
  int64_t begin = real_ns();
  for (int i = 0; i < kCalls; ++i) call();
  return real_ns() - begin;
}

void real_getppid(benchmark::State& state) {
  for (auto _ : state) {
    state.SetIterationTime(static_cast<double>(repeat([] { shim::raw_system_call(SYS_getppid); })) /
                           1e9);
  }
  state.SetItemsProcessed(state.iterations() * kCalls);
}
BENCHMARK(real_getppid)->UseManualTime();

void twin_clock_gettime(benchmark::State& state) {
  run_measured(state, kCalls, [] {
    timespec now;
    return repeat([&] { clock_gettime(CLOCK_MONOTONIC, &now); });
  });
}
BENCHMARK(twin_clock_gettime)->UseManualTime();

void twin_read_eagain(benchmark::State& state) {
  run_measured(state, kCalls, [] {
    int fd = eventfd(0, EFD_NONBLOCK);
    uint64_t value;
    return repeat([&] { benchmark::DoNotOptimize(read(fd, &value, sizeof value)); });
  });
}
BENCHMARK(twin_read_eagain)->UseManualTime();

void twin_eventfd_write_and_read(benchmark::State& state) {
  run_measured(state, 2 * kCalls, [] {
    int fd = eventfd(0, EFD_NONBLOCK);
    uint64_t value = 1;
    return repeat([&] {
      benchmark::DoNotOptimize(write(fd, &value, sizeof value));
      benchmark::DoNotOptimize(read(fd, &value, sizeof value));
    });
  });
}
BENCHMARK(twin_eventfd_write_and_read)->UseManualTime();

int watched_eventfd(int set, unsigned value, uint32_t events) {
  int fd = eventfd(value, EFD_NONBLOCK);
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
  return fd;
}

void twin_epoll_ctl_mod(benchmark::State& state) {
  run_measured(state, kCalls, [] {
    int set = epoll_create1(0);
    int fd = watched_eventfd(set, 0, EPOLLIN);
    epoll_event event{};
    event.events = EPOLLIN;
    return repeat([&] { epoll_ctl(set, EPOLL_CTL_MOD, fd, &event); });
  });
}
BENCHMARK(twin_epoll_ctl_mod)->UseManualTime();

// One ready among `range` registered ones.
void twin_epoll_wait_one_ready(benchmark::State& state) {
  run_measured(state, kCalls, [&state] {
    int set = epoll_create1(0);
    watched_eventfd(set, 1, EPOLLIN);
    for (int64_t i = 1; i < state.range(0); ++i) watched_eventfd(set, 0, EPOLLIN);
    epoll_event events[16];
    return repeat([&] { epoll_wait(set, events, 16, 0); });
  });
}
BENCHMARK(twin_epoll_wait_one_ready)->Arg(1)->Arg(10'000)->UseManualTime();

void twin_socketpair_64_bytes(benchmark::State& state) {
  run_measured(state, 2 * kCalls, [] {
    int ends[2];
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends);
    char buffer[64] = {};
    return repeat([&] {
      benchmark::DoNotOptimize(write(ends[0], buffer, sizeof buffer));
      benchmark::DoNotOptimize(read(ends[1], buffer, sizeof buffer));
    });
  });
}
BENCHMARK(twin_socketpair_64_bytes)->UseManualTime();

// An echo of 64 bytes over TCP on `range` connections in turn, client and server in one loop:
// epoll_wait, read, write on each side.
void twin_tcp_echo(benchmark::State& state) {
  int64_t connections = state.range(0);
  run_measured(state, 6 * kCalls, [connections] {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(7000);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    bind(listener, reinterpret_cast<sockaddr*>(&to), sizeof to);
    listen(listener, 4096);
    int set = epoll_create1(0);
    std::vector<int> clients, servers;
    epoll_event event{};
    for (int64_t i = 0; i < connections; ++i) {
      clients.push_back(socket(AF_INET, SOCK_STREAM, 0));
      connect(clients.back(), reinterpret_cast<sockaddr*>(&to), sizeof to);
      usleep(100);
      servers.push_back(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK));
      event.events = EPOLLIN | EPOLLET;
      event.data.fd = servers.back();
      epoll_ctl(set, EPOLL_CTL_ADD, servers.back(), &event);
      event.data.fd = clients.back();
      epoll_ctl(set, EPOLL_CTL_ADD, clients.back(), &event);
    }
    char buffer[64] = {};
    epoll_event got[4];
    size_t turn = 0;
    int64_t begin = real_ns();
    for (int i = 0; i < kCalls; ++i) {
      if (write(clients[turn], buffer, sizeof buffer) != 64) return int64_t{0};
      if (epoll_wait(set, got, 4, -1) != 1 || got[0].data.fd != servers[turn]) return int64_t{0};
      if (read(servers[turn], buffer, sizeof buffer) != 64) return int64_t{0};
      if (write(servers[turn], buffer, sizeof buffer) != 64) return int64_t{0};
      if (epoll_wait(set, got, 4, -1) != 1 || got[0].data.fd != clients[turn]) return int64_t{0};
      if (read(clients[turn], buffer, sizeof buffer) != 64) return int64_t{0};
      if (++turn == clients.size()) turn = 0;
    }
    return real_ns() - begin;
  });
}
BENCHMARK(twin_tcp_echo)->Arg(1)->Arg(10)->Arg(1'000)->Arg(7'000)->UseManualTime();

// Everything that a World does around a run whose program makes a dozen calls.
void small_run(benchmark::State& state) {
  for (auto _ : state) {
    std::unique_ptr<Strategy> strategy = make_replay_strategy({});
    RunOptions options;
    options.strategy = strategy.get();
    World world(options);
    world.add_thread("main", 0, [] {
      int ends[2];
      socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
      char byte = 0;
      for (int i = 0; i < 4; ++i) {
        benchmark::DoNotOptimize(write(ends[0], &byte, 1));
        benchmark::DoNotOptimize(read(ends[1], &byte, 1));
      }
      close(ends[0]);
      close(ends[1]);
    });
    benchmark::DoNotOptimize(world.run());
  }
}
BENCHMARK(small_run);

// The twin's own share of it.
void reset_after_a_small_run(benchmark::State& state) {
  kernel::Options options{};
  options.fd_limit = 1024;
  for (auto _ : state) kernel::kernel().reset(options);
}
BENCHMARK(reset_after_a_small_run);

}  // namespace
}  // namespace pollux

BENCHMARK_MAIN();

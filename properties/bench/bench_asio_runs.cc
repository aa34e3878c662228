// SPDX-License-Identifier: MIT
//
// How many runs of the same Asio program fit into a second of CPU on the twin and on the real
// kernel, and how many simulated system calls a second that is. Prints "name value unit" lines.
//
// The program is an echo server and its clients in one io_context, compiled as its users compile
// it: no scheduling points but those of the calls.
#include <cstdio>
#include <memory>
#include <set>

#include "measured.h"
#include "pollux/world.h"
#include "subjects/asio_echo.h"

namespace {

using pollux::bench::cpu_seconds;
using pollux::bench::require;

constexpr int kClients = 10;
constexpr int kRounds = 100;
constexpr size_t kMessageBytes = 32;

void echo() {
  require(asio_echo(kClients, kRounds, kMessageBytes) == 0, "the echo program failed");
}

}  // namespace

int main() {
  constexpr double kSecondsEach = 2.0;

  uint64_t twin_runs = 0;
  uint64_t calls = 0;
  std::set<uint64_t> hashes;
  double start = cpu_seconds();
  double twin_seconds = 0;
  for (uint64_t seed = 0; twin_seconds < kSecondsEach; ++seed) {
    const std::unique_ptr<pollux::Strategy> strategy = pollux::make_random_strategy(seed, {}, 1.0);
    pollux::RunOptions options;
    options.strategy = strategy.get();
    pollux::World world(options);
    world.add_thread("main", 0, echo);
    const pollux::RunResult result = world.run();
    require(result.verdict == pollux::Verdict::held, result.reason.c_str());
    calls += result.calls;
    hashes.insert(result.hash);
    ++twin_runs;
    twin_seconds = cpu_seconds() - start;
  }

  uint64_t real_runs = 0;
  double real_seconds = 0;
  start = cpu_seconds();
  while (real_seconds < kSecondsEach) {
    echo();
    ++real_runs;
    real_seconds = cpu_seconds() - start;
  }

  const double twin_rate = static_cast<double>(twin_runs) / twin_seconds;
  const double real_rate = static_cast<double>(real_runs) / real_seconds;
  std::printf("asio_echo_runs_twin %.1f runs/cpu-s\n", twin_rate);
  std::printf("asio_echo_runs_real %.1f runs/cpu-s\n", real_rate);
  std::printf("asio_echo_twin_to_real %.2f ratio\n", twin_rate / real_rate);
  std::printf("simulated_calls %.2f M/s\n", static_cast<double>(calls) / twin_seconds * 1e-6);
  std::printf("calls_per_run %.0f calls\n",
              static_cast<double>(calls) / static_cast<double>(twin_runs));
  std::printf("distinct_runs %zu runs\n", hashes.size());
  return 0;
}

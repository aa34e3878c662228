// SPDX-License-Identifier: MIT
//
// What a scheduling point costs, and how many schedules of a small protocol fit in a second. The
// timed loops run inside of one run.
#include <benchmark/benchmark.h>
#include <time.h>

#include "pollux/shim/gate.h"
#include "tests/explore/programs.h"
#include "tests/explore/small_twin.h"

namespace pollux::explore_test {
namespace {

constexpr Options kEndless = {.plain_points = true, .points_max = UINT64_MAX};
constexpr Options kNoPlain = {.points_max = UINT64_MAX};
constexpr Options kRaces = {.points_max = UINT64_MAX, .races = true};
constexpr Options kWeak = {.points_max = UINT64_MAX, .weak_memory = true};

// Answers every point with the thread that runs already, or with the other one.
class FixedStrategy final : public Strategy {
 public:
  explicit FixedStrategy(bool always_switch) : always_switch_(always_switch) {}
  void begin(std::span<uint32_t, kSitesMax> skip) override {
    for (uint32_t& each : skip) each = kNeverAsk;
    if (always_switch_) skip[site::kPoint] = 0;
  }
  Answer choose(Actor, Site, uint32_t, uint32_t) override { return {0, kNeverAsk}; }
  ThreadAnswer choose_thread(Actor, Site, uint32_t, uint64_t candidates, Actor) override {
    return {static_cast<Actor>(std::countr_zero(candidates)), 0};
  }

 private:
  bool always_switch_;
};

// Processor time, so that other work on the machine counts less.
double processor_seconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// One run in which `threads` threads execute `loop` side by side; reports the time per iteration.
void measure(benchmark::State& state, void (*loop)(long), int threads, bool always_switch,
             long per_thread, const Options& options = kEndless) {
  for (auto _ : state) {
    FixedStrategy strategy(always_switch);
    std::vector<std::function<void()>> bodies(static_cast<size_t>(threads),
                                              [&] { loop(per_thread); });
    double begin = processor_seconds();
    run(strategy, std::move(bodies), options);
    double spent = processor_seconds() - begin;
    state.SetIterationTime(spent / static_cast<double>(per_thread * threads));
  }
}

void without_switch(benchmark::State& state, void (*loop)(long)) {
  measure(state, loop, 2, false, 4'000'000);
}
void with_switch(benchmark::State& state, void (*loop)(long)) {
  measure(state, loop, 2, true, 500'000);
}

// A run's 16 MB of deviations is not what a point costs: the record of a sweep's runs stays small.
void outside(benchmark::State& state, void (*loop)(long)) {
  for (auto _ : state) loop(1'000'000);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * 1'000'000);
}

BENCHMARK_CAPTURE(outside, load, pollux_load_loop);
BENCHMARK_CAPTURE(outside, add, pollux_add_loop);
BENCHMARK_CAPTURE(without_switch, load, pollux_load_loop)->UseManualTime()->Iterations(10);
BENCHMARK_CAPTURE(without_switch, add, pollux_add_loop)->UseManualTime()->Iterations(10);
BENCHMARK_CAPTURE(without_switch, plain, pollux_plain_loop)->UseManualTime()->Iterations(10);
BENCHMARK_CAPTURE(with_switch, load, pollux_load_loop)->UseManualTime()->Iterations(10);

// What looking at memory costs: one thread, which can not race.
void memory(benchmark::State& state, void (*loop)(long), const Options& options) {
  measure(state, loop, 1, false, 1'000'000, options);
}
BENCHMARK_CAPTURE(memory, plain_off, pollux_plain_loop, kNoPlain)->UseManualTime()->Iterations(10);
BENCHMARK_CAPTURE(memory, plain_races, pollux_plain_loop, kRaces)->UseManualTime()->Iterations(10);
BENCHMARK_CAPTURE(memory, load_races, pollux_load_loop, kRaces)->UseManualTime()->Iterations(10);
BENCHMARK_CAPTURE(memory, load_weak, pollux_load_loop, kWeak)->UseManualTime()->Iterations(10);
BENCHMARK_CAPTURE(memory, add_races, pollux_add_loop, kRaces)->UseManualTime()->Iterations(10);
BENCHMARK_CAPTURE(memory, add_weak, pollux_add_loop, kWeak)->UseManualTime()->Iterations(10);

void create_and_join(benchmark::State& state) {
  measure(state, pollux_create_loop, 1, false, 200'000);
}
BENCHMARK(create_and_join)->UseManualTime()->Iterations(10);

void empty_run(benchmark::State& state, const Options& options) {
  FixedStrategy strategy(false);
  for (auto _ : state)
    run(
        strategy, [] {}, options);
}
BENCHMARK_CAPTURE(empty_run, off, kNoPlain);
BENCHMARK_CAPTURE(empty_run, races, kRaces);
BENCHMARK_CAPTURE(empty_run, weak, kWeak);

enum Kind { kRandom, kPct };

void park_schedules(benchmark::State& state, Kind kind, const Options& options) {
  uint64_t seed = 0, points = 0;
  for (auto _ : state) {
    ++seed;
    auto strategy = kind == kRandom ? make_random_strategy(seed, {}, 1.0)
                                    : make_pct_strategy(seed, 3, 60, {}, 1.0);
    points += run(*strategy, pollux_park_protocol, options).points;
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  state.counters["points"] = static_cast<double>(points) / static_cast<double>(seed);
}
// Real time: on real threads the processor time is spent by others.
constexpr Options kRealThreads = {.points_max = UINT64_MAX, .real_threads = true};
void schedules_on(benchmark::State& state, const Options& options) {
  park_schedules(state, kRandom, options);
}
BENCHMARK_CAPTURE(schedules_on, fibers, kNoPlain)->UseRealTime();
BENCHMARK_CAPTURE(schedules_on, real_threads, kRealThreads)->UseRealTime();
BENCHMARK_CAPTURE(park_schedules, random, kRandom, kNoPlain);
BENCHMARK_CAPTURE(park_schedules, pct, kPct, kNoPlain);
void memory_schedules(benchmark::State& state, const Options& options) {
  park_schedules(state, kRandom, options);
}
BENCHMARK_CAPTURE(memory_schedules, races, kRaces);
BENCHMARK_CAPTURE(memory_schedules, weak, kWeak);

}  // namespace
}  // namespace pollux::explore_test

BENCHMARK_MAIN();

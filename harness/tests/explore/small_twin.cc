// SPDX-License-Identifier: MIT
#include "tests/explore/small_twin.h"

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>

#include "explore/clock.h"
#include "explore/futex.h"
#include "explore/thread_objects.h"
#include "pollux/shim/backend.h"
#include "pollux/shim/gate.h"
#include "pollux/shim/raw_system_call.h"
#include "pollux/world.h"
#include "trace/recorder.h"

namespace pollux::explore_test {
namespace {

using namespace explore;

class SmallTwin final : public shim::SystemCalls {
 public:
  long system_call(long number, long a0, long a1, long a2, long a3, long a4, long a5) override {
    switch (number) {
      case SYS_futex:
        call_point(static_cast<uint64_t>(number));
        return futex(reinterpret_cast<uint32_t*>(a0), static_cast<int>(a1),
                     static_cast<uint32_t>(a2), reinterpret_cast<const timespec*>(a3),
                     reinterpret_cast<uint32_t*>(a4), static_cast<uint32_t>(a5));
      case SYS_sched_yield:
        yield();
        return 0;
      case SYS_gettid:
        return 1000 + current_thread();
      case SYS_clock_gettime:
        timeline().spend(20);
        *reinterpret_cast<timespec*>(a1) =
            to_timespec(clock_base(static_cast<clockid_t>(a0)) + timeline().now());
        return 0;
      case SYS_nanosleep:
        return sleep(*reinterpret_cast<const timespec*>(a0));
      case SYS_clock_nanosleep: {
        const auto& time = *reinterpret_cast<const timespec*>(a2);
        if (a1 == 0) return sleep(time);
        block(Why::sleep, nullptr, moment_of(static_cast<clockid_t>(a0), time));
        return 0;
      }
      default:
        return shim::raw_system_call(number, a0, a1, a2, a3, a4, a5);
    }
  }

 private:
  static long sleep(const timespec& duration) {
    call_point(SYS_nanosleep);
    block(Why::sleep, nullptr, saturating_add(timeline().now(), duration_of(duration)));
    return 0;
  }
};

class EndsRun final : public shim::Unmodelled {
 public:
  void unmodelled(const char* name) override { end_run(Verdict::unmodelled, name); }
};

void install() {
  static SmallTwin twin;
  static EndsRun ends_run;
  static const bool done = [] {
    shim::install_backend({&twin, &thread_objects(), &ends_run});
    return true;
  }();
  (void)done;
}

}  // namespace

Result run(Strategy& strategy, std::vector<std::function<void()>> bodies, const Options& options) {
  install();
  trace::recorder.begin(false, false);
  begin_run({.points_max = options.points_max,
             .plain_points = options.plain_points,
             .time_max = options.time_max,
             .races = options.races,
             .weak_memory = options.weak_memory},
            strategy);
  unsigned number = 0;
  for (auto& body : bodies) spawn("body" + std::to_string(number++), 0, std::move(body));
  run_to_end();
  Outcome end = outcome();
  return {end.verdict,  end.reason,       trace::recorder.hash,  end.points,
          end.switches, timeline().now(), choices().deviations()};
}

Result run(Strategy& strategy, std::function<void()> body, const Options& options) {
  std::vector<std::function<void()>> bodies;
  bodies.push_back(std::move(body));
  return run(strategy, std::move(bodies), options);
}

std::unique_ptr<Strategy> strategy_for(uint64_t seed) {
  if (seed % 3 == 2) return make_pct_strategy(seed, 2 + seed / 3 % 4, 60, {}, 1.0);
  return make_random_strategy(seed, {}, 1.0);
}

Sweep sweep(uint64_t count, const std::function<void()>& body, const Options& options) {
  Sweep found;
  for (uint64_t seed = 0; seed < count; ++seed) {
    auto strategy = strategy_for(seed);
    Result result = run(*strategy, body, options);
    if (result.verdict == Verdict::held) continue;
    if (found.failures++ != 0) continue;
    found.first = seed;
    found.result = result;
  }
  return found;
}

}  // namespace pollux::explore_test

// World's own functions for code inside a run, without a World.
namespace pollux {

void fail(const char* property, const std::string& message) {
  shim::HarnessScope scope;
  explore::end_run(Verdict::violation, std::string(property) + ": " + message);
}

}  // namespace pollux

// SPDX-License-Identifier: MIT
#include "tests/explore/small_twin.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include <cstring>

#include "explore/clock.h"
#include "explore/futex.h"
#include "explore/program_scope.h"
#include "explore/signals.h"
#include "explore/thread_objects.h"
#include "pollux/shim/backend.h"
#include "pollux/shim/gate.h"
#include "pollux/shim/raw_system_call.h"
#include "pollux/world.h"
#include "trace/recorder.h"

namespace pollux::explore_test {
namespace {

using namespace explore;

// Signals 1 to 64, one of each at a time, handlers without arguments or masks.
class SmallSignals final : public SignalSource {
 public:
  struct Action {
    void (*handler)(int) = nullptr;
    unsigned long flags = 0;
  };

  bool pending() override {
    if (pending_[current_thread()] != 0) return true;
    calm(current_thread());
    return false;
  }
  Interruption take() override {
    Interruption first = Interruption::none;
    while (pending()) {
      uint64_t& set = pending_[current_thread()];
      int signal = __builtin_ctzll(set) + 1;
      set &= set - 1;
      const Action& action = actions_[signal - 1];
      if (action.handler == nullptr) continue;
      if (first == Interruption::none) {
        first = (action.flags & SA_RESTART) != 0 ? Interruption::restart : Interruption::fail;
      }
      ProgramScope scope;
      action.handler(signal);
    }
    return first;
  }
  int send(Actor id, int signal) override {
    if (signal == 0) return 0;
    pending_[id] |= uint64_t{1} << (signal - 1);
    interrupt(id);
    return 0;
  }
  void created(Actor, Actor id) override { pending_[id] = 0; }
  void ended(Actor id) override {
    pending_[id] = 0;
    calm(id);
  }
  long set(long signal, const Action* wanted, Action* old) {
    if (old != nullptr) *old = actions_[signal - 1];
    if (wanted != nullptr) actions_[signal - 1] = *wanted;
    return 0;
  }

 private:
  uint64_t pending_[kThreadsMax] = {};
  Action actions_[64] = {};
};
SmallSignals small_signals;

class SmallTwin final : public shim::SystemCalls {
 public:
  long system_call(long number, long a0, long a1, long a2, long a3, long a4, long a5) override {
    switch (number) {
      case SYS_futex:
        call_point(static_cast<uint64_t>(number));
        for (;;) {
          long result = futex(reinterpret_cast<uint32_t*>(a0), static_cast<int>(a1),
                              static_cast<uint32_t>(a2), reinterpret_cast<const timespec*>(a3),
                              reinterpret_cast<uint32_t*>(a4), static_cast<uint32_t>(a5));
          if (!signal_pending()) return result;
          bool again = small_signals.take() != Interruption::fail;
          if (result != kRestart || !again) return result == kRestart ? -EINTR : result;
        }
      case SYS_rt_sigaction:
        return small_signals.set(a0, reinterpret_cast<const SmallSignals::Action*>(a1),
                                 reinterpret_cast<SmallSignals::Action*>(a2));
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
    set_signal_source(&small_signals);
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
             .weak_memory = options.weak_memory,
             .real_threads = options.real_threads},
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

std::vector<PolluxTestProgram> repeatable_programs() {
  std::vector<PolluxTestProgram> list;
  for (const PolluxTestProgram* program :
       {pollux_schedule_programs(), pollux_identity_programs(), pollux_object_programs()}) {
    for (; program->name != nullptr; ++program) {
      // libstdc++ 12's std::barrier hashes thread ids, that is, addresses, and its waiting on wide
      // atomics keeps counts in a static table from one run to the next.
      if (std::strcmp(program->name, "LatchesAndBarriers") == 0) continue;
      if (program->needs_points && !kAtomicsArePoints) continue;
      list.push_back(*program);
    }
  }
  return list;
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

// SPDX-License-Identifier: MIT
//
// A World is one run: a simulated kernel with its hosts and network, virtual threads, virtual time,
// and the choices that decide everything left open.
//
//   pollux::World world(options);
//   world.add_thread("server", /*host=*/0, [] { ...unmodified program code... });
//   pollux::RunResult result = world.run();
//
// Inside the threads, every socket, epoll, eventfd, timerfd, pipe, clock, sleep and pthread call
// goes to the twin. The run ends when all threads that were added have returned, when a judge or
// `fail` ends it, or when a bound is spent. A run that ended otherwise than by returning leaves
// abandoned threads behind: their stacks and heap objects are never unwound, so a process should
// not go on with other runs of the same program state after it (the sweeps of the command run in
// child processes for that reason).
//
// Threads: one World runs at a time in a process.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pollux/choice.h"
#include "pollux/judge_note.h"
#include "pollux/network.h"
#include "pollux/step.h"
#include "pollux/verdict.h"

namespace pollux {

struct NetworkOptions {
  int64_t latency_min_ns = 20'000;     // one way; outcome 0 of net/delay
  int64_t latency_max_ns = 2'000'000;  // outcome n-1
  uint32_t send_buffer_bytes = 64 * 1024;
  uint32_t receive_buffer_bytes = 64 * 1024;
  uint32_t segment_max_bytes = 16 * 1024;
};

struct RunOptions {
  Strategy* strategy = nullptr;        // required
  std::vector<uint16_t> fault_points;  // faults::PointId of the points that may fail in this run
  NetworkOptions network;
  std::shared_ptr<const NetworkPlan> plan;  // hosts, links and rules; null: as network.h says
  int64_t call_cost_ns = 150;               // virtual time that a system call takes
  int64_t clock_cost_ns = 20;               // virtual time that reading a clock takes
  uint32_t fd_limit = 1024;                 // RLIMIT_NOFILE that each host sees
  uint64_t points_max = 50'000'000;
  uint64_t calls_max = 5'000'000;
  int64_t virtual_time_max_ns = 3600LL * 1'000'000'000;
  uint32_t spin_returns_max = 2000;  // returns of epoll_wait or poll without progress: busy-spin
  bool plain_points = false;         // plain (non-atomic) accesses are scheduling points, too
  bool races = false;                // data races are looked for: data-race
  bool weak_memory = false;          // a load of an atomic may read an old store; implies races
  bool real_threads = false;         // virtual threads on OS threads: slow, same hash
  bool check_leaks = true;           // descriptors still open at the end: leaked-fd
  bool memory_leaks = false;         // memory that is lost at the end is looked for: leaked-memory
  bool strict = false;               // what a judge notes (pollux/judge_note.h) is a violation
  bool trace = false;                // keep every step as text
  bool record_steps = false;         // keep the hash after each step, to find a first divergence
  bool log_steps = false;            // keep what each step did and where (pollux/step.h)
};

struct RunResult {
  Verdict verdict = Verdict::held;
  std::string reason;   // one line; empty when held
  std::string details;  // several lines: threads, sockets, epoll sets as they were at the end
  uint64_t hash =
      0;  // over every step: points with their place, calls with results, bytes, switches
  uint64_t points = 0;
  uint64_t calls = 0;
  uint64_t switches = 0;
  uint64_t faults = 0;  // failure points that said yes
  int64_t virtual_ns = 0;
  std::vector<Deviation> deviations;
  std::vector<JudgeNote> notes;
  std::vector<std::string> trace;     // when asked for
  std::vector<uint64_t> step_hashes;  // when asked for
  StepLog log;                        // when asked for
};

class World {
 public:
  explicit World(const RunOptions&);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Before run(). `host` is below kNetworkHosts, or kObserver; each has its own descriptor table
  // and an address, 10.0.0.(host+1) without a plan; 127.0.0.0/8 and 0.0.0.0 mean the host itself.
  void add_thread(std::string name, unsigned host, std::function<void()> body);

  RunResult run();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// --- For code inside a run: what a suite says about the program.

// Ends the run with Verdict::violation. `property` is a short stable name. Outside of a run:
// aborts.
[[noreturn]] void fail(const char* property, const std::string& message);

// Mixes an observation of the program into the hash, so that a replay compares it as well.
void note(uint64_t value);

// Did that failure point (faults::PointId) say yes in this run so far? False outside of a run.
bool fault_happened(uint16_t point);

// A line in the trace, when one is kept.
void trace_note(const char* text);

// --- Watching atomics from outside of the program: needs instrumented code.

struct AtomicAccess {
  uintptr_t address;
  uint64_t before;
  uint64_t after;
  bool is_store;  // a plain atomic store; false for exchange, fetch_op and a compare-exchange that
                  // took
  Actor thread;
};
// Called after each write to a watched 8-byte atomic, with the gate closed; may call fail().
using AtomicWatcher = void (*)(void* context, const AtomicAccess&);
// For reports: what a word of the range is called and what a value of it means.
using WordNames = WatchedWord (*)(void* context, uintptr_t address, uint64_t value);
// Watches [base, base + length) until the end of the run, one range at a time.
void watch_atomics(uintptr_t base, size_t length, AtomicWatcher, void* context,
                   WordNames names = nullptr);

}  // namespace pollux

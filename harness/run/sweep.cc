// SPDX-License-Identifier: MIT
//
// Who owns what. The parent owns the process table: it forks one child per slot, waits, and forks
// again while there is work. A child owns its slot in shared memory until it is dead; only then
// does the parent read the result in it. Three fields of a slot tell the parent how its child died:
//
//   idle     between runs (also: no seeds left). Nothing is lost.
//   running  in the run of `seed`, so the death is that seed's: a crash.
//   result   the run of `seed` did not hold and its result is in the slot.
//
// [at, chunk_end) is what the child took and did not start; its successor goes on there. Counters
// are written by the child alone and read by the parent for the progress display, hence atomic, but
// without any order between them; after the child's death they are exact.
#include "run/sweep.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "run/check.h"
#include "run/child.h"
#include "run/crash_note.h"
#include "run/result_code.h"
#include "run/text_code.h"

namespace pollux::run {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kVerdicts = 16;
constexpr uint64_t kHashesMax = uint64_t{1} << 26;
constexpr uint64_t kChunkMax = 256;
constexpr size_t kResultMax = 4u << 20;
constexpr unsigned kPointsMax = kSitesMax;

class Counter {
 public:
  // One writer.
  void add(uint64_t more) {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_;
};

enum class State : uint32_t { idle, running, result };

struct Slot {
  std::atomic<State> state;
  std::atomic<uint64_t> seed;
  std::atomic<uint64_t> at, chunk_end;
  Counter runs, held, audited, points, calls, switches, faults, virtual_ns, digest;
  Counter by_verdict[kVerdicts];
  Counter fault_counts[kPointsMax];
  Counter note_runs[kNoteKinds];
  size_t result_size;
  size_t note_size;  // of what a crash left in `result`
  char result[kResultMax];
};

struct Header {
  std::atomic<uint64_t> next;
  std::atomic<bool> stop;
};

uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ull;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBull;
  return value ^ (value >> 31);
}

bool is_audited(uint64_t seed, unsigned percent) {
  return percent >= 100 || mix(seed + 0x9E3779B97F4A7C15ull) % 100 < percent;
}

bool is_same(const RunResult& a, const RunResult& b) {
  return a.hash == b.hash && a.verdict == b.verdict;
}

class Sweep {
 public:
  Sweep(const SweepRequest& request, SweepListener& listener);
  SweepTotals run();

 private:
  struct Child {
    pid_t pid = -1;
    std::unique_ptr<Output> output = std::make_unique<Output>();
    uint64_t watched_runs = 0;
    Clock::time_point since;
    Killed killed = Killed::no;
  };

  bool work_left(const Slot& slot) const;
  void start(size_t index);
  void child_main(Slot&);
  bool has_grown() const;
  bool take_chunk(Slot&);
  bool run_seed(Slot&, uint64_t seed);  // false: the child must end
  void count(Slot&, const RunResult&, uint64_t seed);
  void child_ended(size_t index, int status);
  void kill_beyond_bounds(size_t index);
  void wait_for_event();
  SweepTotals totals() const;
  void finish(SweepTotals&) const;
  double share(const SweepTotals&) const;

  const SweepRequest& request_;
  SweepListener& listener_;
  uint64_t count_;
  uint64_t chunk_;
  SharedMemory memory_;
  SharedMemory hash_memory_;
  Header& header_;
  Slot* slots_;
  std::atomic<uint64_t>* hashes_;  // by seed - first, of the first kHashesMax seeds
  std::vector<Child> children_;
  Clock::time_point start_ = Clock::now();
  unsigned interrupts_ = 0;
  uint64_t peak_mib_ = 0;
};

Sweep::Sweep(const SweepRequest& request, SweepListener& listener)
    : request_(request),
      listener_(listener),
      count_(request.end - request.first),
      chunk_(std::clamp<uint64_t>(count_ / (request.jobs * 16), 1, kChunkMax)),
      memory_(sizeof(Header) + alignof(Slot) + sizeof(Slot) * request.jobs),
      hash_memory_(8 * std::min(count_, kHashesMax)),
      header_(*memory_.as<Header>()),
      slots_(
          memory_.as<Slot>((sizeof(Header) + alignof(Slot) - 1) / alignof(Slot) * alignof(Slot))),
      hashes_(hash_memory_.as<std::atomic<uint64_t>>()),
      children_(request.jobs) {
  header_.next.store(request.first);
}

// --- In the child.

bool Sweep::take_chunk(Slot& slot) {
  uint64_t from = header_.next.load();
  uint64_t to;
  do {
    if (from >= request_.end) return false;
    to = from + std::min(chunk_, request_.end - from);
  } while (!header_.next.compare_exchange_weak(from, to));
  slot.chunk_end.store(to);
  slot.at.store(from);
  return true;
}

void Sweep::child_main(Slot& slot) {
  note_crashes(slot.result, kResultMax, &slot.note_size);
  while (!header_.stop.load()) {
    uint64_t seed = slot.at.load();
    if (seed >= slot.chunk_end.load()) {
      if (!take_chunk(slot)) return;
      continue;
    }
    slot.seed.store(seed);
    slot.at.store(seed + 1);
    if (!run_seed(slot, seed) || has_grown()) return;
  }
}

// What earlier runs have left behind would count as the next one's: another process goes on.
bool Sweep::has_grown() const {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<uint64_t>(used.ru_maxrss) >> 10 >= request_.bounds.resident_mib / 2;
}

void Sweep::count(Slot& slot, const RunResult& result, uint64_t seed) {
  slot.runs.add(1);
  slot.held.add(result.verdict == Verdict::held);
  slot.by_verdict[static_cast<unsigned>(result.verdict) % kVerdicts].add(1);
  slot.points.add(result.points);
  slot.calls.add(result.calls);
  slot.switches.add(result.switches);
  slot.faults.add(result.faults);
  slot.virtual_ns.add(static_cast<uint64_t>(result.virtual_ns));
  slot.digest.add(digest_of(seed, result.verdict, result.hash));
  for (const Deviation& deviation : result.deviations) {
    if (deviation.site >= site::kFirstFault)
      slot.fault_counts[deviation.site - site::kFirstFault].add(1);
  }
  for (const JudgeNote& note : result.notes) slot.note_runs[static_cast<size_t>(note.kind)].add(1);
  uint64_t index = seed - request_.first;
  if (index < kHashesMax) hashes_[index].store(result.hash, std::memory_order_relaxed);
}

bool Sweep::run_seed(Slot& slot, uint64_t seed) {
  auto carry_out = [this](const Plan& plan, bool moved = false) {
    const Watch watch{.moved = moved};
    return request_.carry_out ? request_.carry_out(plan, watch) : execute(plan, watch);
  };
  slot.state.store(State::running);
  Plan plan = plan_of_seed(request_, seed);
  RunResult result = carry_out(plan);
  if (result.verdict == Verdict::held && is_audited(seed, request_.audit_percent)) {
    RunResult again = carry_out(plan, request_.audit_moved);
    slot.audited.add(1);
    if (!is_same(again, result)) {
      const bool by_address = request_.audit_moved && is_same(carry_out(plan), result);
      result.verdict = Verdict::diverged;
      result.reason = "a second run" + std::string(by_address ? " at other addresses" : "") +
                      " is " + std::string(to_string(again.verdict)) + " with hash " +
                      hex(again.hash) + ", the first had " + hex(result.hash) +
                      (by_address ? ", and has it again at the same ones" : "");
    }
  }
  count(slot, result, seed);
  if (result.verdict == Verdict::held) {
    slot.state.store(State::idle);
    return true;
  }
  slot.result_size = write_result(result, slot.result, kResultMax);
  slot.state.store(State::result);
  return false;
}

// --- In the parent.

bool Sweep::work_left(const Slot& slot) const {
  if (header_.stop.load()) return false;
  return slot.at.load() < slot.chunk_end.load() || header_.next.load() < request_.end;
}

void Sweep::start(size_t index) {
  Child& child = children_[index];
  Slot& slot = slots_[index];
  slot.state.store(State::idle);
  slot.note_size = 0;
  child.output->clear();
  child.killed = Killed::no;
  child.since = Clock::now();
  child.pid = fork_child(*child.output, [this, &slot, index] {
    // Low descriptors are scarce in a run: the other children's are not needed here.
    for (size_t i = 0; i < children_.size(); ++i) {
      if (i != index) children_[i].output.reset();
    }
    child_main(slot);
    return 0;
  });
}

void Sweep::child_ended(size_t index, int status) {
  Child& child = children_[index];
  Slot& slot = slots_[index];
  child.pid = -1;
  uint64_t seed = slot.seed.load();
  switch (slot.state.load()) {
    case State::idle:
      check(child.killed != Killed::no || (WIFEXITED(status) && WEXITSTATUS(status) == 0),
            "a worker process died between runs");
      return;
    case State::running: {
      if (interrupts_ > 1) return;
      RunResult noted;
      if (slot.note_size != 0) noted = read_result(slot.result, slot.note_size);
      RunResult result = child.killed != Killed::no
                             ? killed_run(child.killed, request_.bounds, child.output->tail())
                             : crashed_run(status, child.output->tail(), noted);
      count(slot, result, seed);
      listener_.on_failure({seed, plan_of_seed(request_, seed), result});
      break;
    }
    case State::result:
      listener_.on_failure(
          {seed, plan_of_seed(request_, seed), read_result(slot.result, slot.result_size)});
      break;
  }
  if (request_.fail_fast) header_.stop.store(true);
}

void Sweep::kill_beyond_bounds(size_t index) {
  Child& child = children_[index];
  if (child.killed != Killed::no) return;  // it is dying, and why must not be forgotten
  uint64_t runs = slots_[index].runs.get() + slots_[index].audited.get();
  if (runs != child.watched_runs || slots_[index].state.load() != State::running) {
    child.watched_runs = runs;
    child.since = Clock::now();
  }
  child.killed = beyond_bounds(child.pid, child.since, request_.bounds);
  if (child.killed != Killed::no) ::kill(child.pid, SIGKILL);
}

// Waits for a child's death, an interrupt, or a tenth of a second.
void Sweep::wait_for_event() {
  sigset_t set;
  ::sigemptyset(&set);
  for (int signal : {SIGCHLD, SIGINT, SIGTERM}) ::sigaddset(&set, signal);
  timespec tenth{0, 100'000'000};
  int signal = ::sigtimedwait(&set, nullptr, &tenth);
  if (signal == SIGINT || signal == SIGTERM) {
    header_.stop.store(true);
    if (++interrupts_ > 1) {
      for (Child& child : children_) {
        if (child.pid > 0) ::kill(child.pid, SIGKILL);
      }
    }
  }
}

SweepTotals Sweep::totals() const {
  SweepTotals sum;
  sum.fault_counts.resize(faults::points().size());
  for (unsigned i = 0; i < request_.jobs; ++i) {
    const Slot& slot = slots_[i];
    sum.runs += slot.runs.get();
    sum.held += slot.held.get();
    sum.audited += slot.audited.get();
    sum.points += slot.points.get();
    sum.calls += slot.calls.get();
    sum.switches += slot.switches.get();
    sum.faults += slot.faults.get();
    sum.virtual_ns += static_cast<int64_t>(slot.virtual_ns.get());
    sum.digest += slot.digest.get();
    for (unsigned v = 0; v < kVerdicts; ++v) sum.by_verdict[v] += slot.by_verdict[v].get();
    for (size_t p = 0; p < sum.fault_counts.size(); ++p)
      sum.fault_counts[p] += slot.fault_counts[p].get();
    for (size_t n = 0; n < kNoteKinds; ++n) sum.note_runs[n] += slot.note_runs[n].get();
  }
  sum.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  return sum;
}

void Sweep::finish(SweepTotals& sum) const {
  sum.complete = sum.runs == count_;
  sum.interrupted = interrupts_ != 0;
  sum.peak_mib = peak_mib_;
  uint64_t taken = std::min(header_.next.load() - request_.first, kHashesMax);
  std::vector<uint64_t> all;
  all.reserve(taken);
  for (uint64_t i = 0; i < taken; ++i) all.push_back(hashes_[i].load(std::memory_order_relaxed));
  if (request_.keep_hashes) sum.hashes = all;
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  sum.distinct = all.size() - (!all.empty() && all.front() == 0);
}

double Sweep::share(const SweepTotals& sum) const {
  double by_seeds = static_cast<double>(sum.runs) / static_cast<double>(count_);
  if (request_.budget.count() == 0) return by_seeds;
  double by_time = sum.seconds * 1000 / static_cast<double>(request_.budget.count());
  return std::min(1.0, std::max(by_seeds, by_time));
}

SweepTotals Sweep::run() {
  sigset_t set, before;
  ::sigemptyset(&set);
  for (int signal : {SIGCHLD, SIGINT, SIGTERM}) ::sigaddset(&set, signal);
  ::sigprocmask(SIG_BLOCK, &set, &before);

  for (;;) {
    bool alive = false;
    for (size_t i = 0; i < children_.size(); ++i) {
      Child& child = children_[i];
      int status = 0;
      rusage used{};
      if (child.pid > 0 && ::wait4(child.pid, &status, WNOHANG, &used) == child.pid) {
        peak_mib_ = std::max(peak_mib_, static_cast<uint64_t>(used.ru_maxrss) >> 10);
        child_ended(i, status);
      }
      if (child.pid <= 0 && work_left(slots_[i])) start(i);
      if (child.pid > 0) {
        alive = true;
        kill_beyond_bounds(i);
      }
    }
    if (!alive) break;
    if (request_.budget.count() != 0 && Clock::now() - start_ >= request_.budget)
      header_.stop.store(true);
    SweepTotals now = totals();
    listener_.on_progress(now, share(now));
    wait_for_event();
  }

  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  SweepTotals sum = totals();
  finish(sum);
  return sum;
}

}  // namespace

Plan plan_of_seed(const SweepRequest& request, uint64_t seed) {
  return {request.suite,
          request.workload.empty() ? request.suite->workload(seed) : request.workload,
          Drawn{seed, request.mix},
          request.overrides,
          {},
          request.network};
}

uint64_t digest_of(uint64_t seed, Verdict verdict, uint64_t hash) {
  return mix(mix(seed * 0x9E3779B97F4A7C15ull + static_cast<uint64_t>(verdict) + 1) ^ hash);
}

SweepTotals sweep(const SweepRequest& request, SweepListener& listener) {
  return Sweep(request, listener).run();
}

}  // namespace pollux::run

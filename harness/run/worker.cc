// SPDX-License-Identifier: MIT
//
// The parent writes a request into shared memory and sends one byte; the child runs it, writes the
// result and sends one byte back, or dies. Everything that does not fit into plain memory (suite,
// profile, strategy) the child knows because it was forked after the parent knew it: a request that
// needs another one gets another child. A request may hold many lists of deviations: where most
// runs hold, handing over to the other process and back would take longer than the runs.
#include "run/worker.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "run/check.h"
#include "run/crash_note.h"
#include "run/result_code.h"
#include "run/tap.h"

namespace pollux::run {

struct Worker::Shared {
  static constexpr size_t kWorkloadMax = 16u << 20;
  static constexpr size_t kResultMax = 512u << 20;
  static constexpr size_t kListsMax = 256;

  Watch watch;
  uint64_t seed;
  bool has_then;
  uint64_t then_from, then_seed;  // where the plan has a part to be drawn
  size_t workload_size;
  size_t result_size;
  size_t note_size;     // of what a crash left in `result`
  uint32_t list_count;  // 0: drawn from the seed
  uint32_t sizes[kListsMax];
  std::atomic<uint32_t> at;  // by the child: the list that runs, or ran last
  Deviation deviations[DeviationLog::kMax];
  DeviationLog log;
  char workload[kWorkloadMax];
  char result[kResultMax];
};

Worker::Worker(const ProcessBounds& bounds)
    : bounds_(bounds),
      memory_(std::make_unique<SharedMemory>(sizeof(Shared))),
      shared_(memory_->as<Shared>()) {}

Worker::~Worker() { stop(); }

void Worker::stop() {
  if (child_ <= 0) return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
  ::close(channel_);
  child_ = -1;
}

bool Worker::can_take(const Plan& plan) const {
  if (child_ <= 0 || base_.suite != plan.suite || base_.overrides != plan.overrides) return false;
  if (plan.then && (!base_.then || base_.then->drawn.mix != plan.then->drawn.mix)) return false;
  if (!same_network(base_.network, plan.network)) return false;
  auto* drawn = std::get_if<Drawn>(&plan.choices);
  if (drawn == nullptr) return true;
  auto* known = std::get_if<Drawn>(&base_.choices);
  return known != nullptr && known->mix == drawn->mix;
}

void Worker::start(const Plan& plan) {
  stop();
  base_ = plan;
  int ends[2];
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
  output_.clear();
  channel_ = ends[1];
  child_ = fork_child(output_, [this, &ends] {
    ::close(ends[0]);
    return child_main();
  });
  ::close(ends[1]);
  channel_ = ends[0];
}

int Worker::child_main() {
  note_crashes(shared_->result, Shared::kResultMax, &shared_->note_size);
  char byte;
  while (::read(channel_, &byte, 1) == 1) {
    Plan plan = base_;
    plan.workload.assign(shared_->workload, shared_->workload_size);
    if (!shared_->has_then) {
      plan.then.reset();
    } else {
      plan.then->from = shared_->then_from;
      plan.then->drawn.seed = shared_->then_seed;
    }
    RunResult result;
    const Deviation* list = shared_->deviations;
    for (uint32_t i = 0; i < std::max(shared_->list_count, 1u); ++i) {
      if (shared_->list_count == 0) {
        plan.choices = Drawn{shared_->seed, std::get<Drawn>(base_.choices).mix};
      } else {
        plan.choices = std::vector<Deviation>(list, list + shared_->sizes[i]);
        list += shared_->sizes[i];
      }
      shared_->at.store(i);
      std::unique_ptr<Strategy> strategy = make_strategy(plan);
      Tap tap(*strategy, shared_->log);
      result = execute(plan, shared_->watch, &tap);
      if (result.verdict != Verdict::held) break;
    }
    shared_->result_size = write_result(result, shared_->result, Shared::kResultMax);
    if (::write(channel_, &byte, 1) != 1) return 1;
    if (result.verdict != Verdict::held) return 0;
  }
  return 0;
}

// False when the child is gone, with its wait status; `killed` when it had to be. Does not
// rely on the end of file alone: a process that the program forked may hold the other end.
bool Worker::answered(int& status, Killed& killed) {
  auto since = std::chrono::steady_clock::now();
  for (uint32_t last = 0;;) {
    pollfd ready{channel_, POLLIN, 0};
    char byte;
    if (::poll(&ready, 1, 200) == 1 && ::read(channel_, &byte, 1) == 1) return true;
    if (::waitpid(child_, &status, ready.revents != 0 ? 0 : WNOHANG) == child_) return false;
    uint32_t at = shared_->at.load();
    if (std::exchange(last, at) != at) since = std::chrono::steady_clock::now();
    killed = beyond_bounds(child_, since, bounds_);
    if (killed == Killed::no) continue;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, &status, 0);
    return false;
  }
}

void Worker::prepare(const Plan& plan, const Watch& watch) {
  check(plan.workload.size() <= Shared::kWorkloadMax, "workload is too long");
  if (!can_take(plan)) start(plan);
  shared_->watch = watch;
  shared_->workload_size = plan.workload.size();
  std::copy(plan.workload.begin(), plan.workload.end(), shared_->workload);
  shared_->has_then = plan.then.has_value();
  if (plan.then) {
    shared_->then_from = plan.then->from;
    shared_->then_seed = plan.then->drawn.seed;
  }
  shared_->list_count = 0;
  shared_->at.store(0);
}

RunResult Worker::run(const Plan& plan, const Watch& watch) {
  auto* drawn = std::get_if<Drawn>(&plan.choices);
  if (drawn == nullptr) {
    RunResult result;
    run_until_failure(plan, {&std::get<std::vector<Deviation>>(plan.choices), 1}, watch, result);
    return result;
  }
  prepare(plan, watch);
  shared_->seed = drawn->seed;
  return carry_out();
}

size_t Worker::run_until_failure(Plan plan, std::span<const std::vector<Deviation>> lists,
                                 const Watch& watch, RunResult& result) {
  plan.choices = std::vector<Deviation>();
  for (size_t done = 0; done < lists.size();) {
    prepare(plan, watch);
    size_t used = 0;
    while (done + shared_->list_count < lists.size() && shared_->list_count < Shared::kListsMax) {
      const std::vector<Deviation>& list = lists[done + shared_->list_count];
      if (used + list.size() > DeviationLog::kMax) break;
      std::copy(list.begin(), list.end(), shared_->deviations + used);
      used += list.size();
      shared_->sizes[shared_->list_count++] = static_cast<uint32_t>(list.size());
    }
    check(shared_->list_count != 0, "too many deviations");
    result = carry_out();
    if (result.verdict != Verdict::held) return done + shared_->at.load();
    done += shared_->list_count;
  }
  return lists.size();
}

size_t Runner::run_until_failure(Plan plan, std::span<const std::vector<Deviation>> lists,
                                 const Watch& watch, RunResult& result) {
  for (size_t i = 0; i < lists.size(); ++i) {
    plan.choices = lists[i];
    result = run(plan, watch);
    if (result.verdict != Verdict::held) return i;
  }
  return lists.size();
}

// What was prepared, in the child.
RunResult Worker::carry_out() {
  char byte = 'r';
  check(::send(channel_, &byte, 1, MSG_NOSIGNAL) == 1, "worker process: send");

  int status = 0;
  Killed killed = Killed::no;
  died_ = !answered(status, killed);
  if (!died_) {
    RunResult result = read_result(shared_->result, shared_->result_size);
    if (result.verdict != Verdict::held) {
      ::waitpid(child_, nullptr, 0);
      ::close(channel_);
      child_ = -1;
    }
    return result;
  }
  ::close(channel_);
  child_ = -1;
  if (killed != Killed::no || shared_->note_size == 0) {
    RunResult result = killed != Killed::no ? killed_run(killed, bounds_, output_.tail())
                                            : crashed_run(status, output_.tail());
    result.deviations = shared_->log.copy();
    return result;
  }
  return crashed_run(status, output_.tail(), read_result(shared_->result, shared_->note_size));
}

}  // namespace pollux::run

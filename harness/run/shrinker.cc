// SPDX-License-Identifier: MIT
//
// The state is one failing candidate, `best_`, and it only ever moves to another failing one that
// is smaller: fewer deviations, a simpler outcome, or a smaller workload. Each pass proposes
// candidates until none of its kind fails any more; `accept` runs a candidate and moves to it when
// it fails in the same way. What a candidate asked for and what came of it differ: a deviation that
// could not happen was skipped. Moving to what came of it drops those at no cost.
#include "run/shrinker.h"

#include <algorithm>

namespace pollux::run {
namespace {

using Clock = std::chrono::steady_clock;
using Deviations = std::vector<Deviation>;

constexpr uint64_t kBoundFactor = 4;
constexpr uint64_t kBoundSlack = 1000;

bool switches_thread(const Deviation& deviation) {
  return deviation.site == site::kPoint || deviation.site == site::kPick;
}

class Shrinker {
 public:
  Shrinker(const ShrinkRequest& request, Runner& runner,
           const std::function<void(const std::string&)>& progress)
      : request_(request), runner_(runner), progress_(progress) {}

  ShrinkResult shrink();

 private:
  bool reproduce();
  bool accept(const Plan&);
  bool accept_drawn(const Plan&);
  bool accept(Deviations);
  void remove_deviations();
  void remove_chunks(size_t size);
  void simplify_outcomes();
  bool shrink_workload();
  bool accept_workload(const std::string& workload);
  bool time_left();
  void tell(const char* pass);

  const Deviations& deviations() const { return std::get<Deviations>(best_.plan.choices); }
  bool same_failure(const RunResult& run) const {
    return run.verdict == best_.result.verdict && property_of(run) == property_;
  }

  const ShrinkRequest& request_;
  Runner& runner_;
  const std::function<void(const std::string&)>& progress_;
  ShrinkResult best_;
  std::string property_;
  Watch watch_;  // bounds of the candidates
  Clock::time_point start_ = Clock::now();
};

bool Shrinker::time_left() {
  if (Clock::now() - start_ < request_.budget) return true;
  best_.out_of_time = true;
  return false;
}

void Shrinker::tell(const char* pass) {
  progress_(std::string(pass) + ": " + std::to_string(deviations().size()) +
            " deviations, workload of " + std::to_string(best_.plan.workload.size()) +
            " characters, " + std::to_string(best_.runs) + " runs");
}

// Runs the plan as it is, then by its deviations alone: from there on they are the plan.
bool Shrinker::reproduce() {
  ++best_.runs;
  best_.plan = request_.plan;
  best_.result = runner_.run(request_.plan);
  best_.died = runner_.last_died();
  best_.workload_before = request_.plan.workload.size();
  if (best_.result.verdict == Verdict::held) {
    best_.complaint = "the run holds: there is nothing to shrink";
    return false;
  }
  property_ = property_of(best_.result);
  best_.deviations_before = best_.result.deviations.size();
  const RunResult first = best_.result;
  best_.plan.choices = first.deviations;
  if (!accept(Deviations(first.deviations))) {
    best_.complaint = "the deviations of the run alone do not lead to " +
                      std::string(to_string(first.verdict)) + " (" + property_ + ") again";
    return false;
  }
  // A candidate may take another way than the failure and get lost on it. A run that died can not
  // tell how long it was, and one that spent its bound needs all of it to do so again.
  bool bounded =
      best_.result.verdict == Verdict::step_limit || best_.result.verdict == Verdict::time_limit;
  if (!best_.died && !bounded) {
    watch_.points_max = best_.result.points * kBoundFactor + kBoundSlack;
    watch_.calls_max = best_.result.calls * kBoundFactor + kBoundSlack;
  }
  return true;
}

bool Shrinker::accept_drawn(const Plan& drawn) {
  ++best_.runs;
  RunResult run = runner_.run(drawn, watch_);
  if (!same_failure(run)) return false;
  Plan plan = drawn;
  plan.choices = std::move(run.deviations);
  return accept(plan);
}

bool Shrinker::accept(const Plan& candidate) {
  if (!time_left()) return false;
  ++best_.runs;
  RunResult run = runner_.run(candidate, watch_);
  if (!same_failure(run)) return false;
  Plan plan = candidate;
  if (run.deviations.size() < std::get<Deviations>(candidate.choices).size()) {
    plan.choices = run.deviations;
  }
  best_.died = runner_.last_died();
  best_.plan = std::move(plan);
  best_.result = std::move(run);
  return true;
}

bool Shrinker::accept(Deviations candidate) {
  Plan plan = best_.plan;
  plan.choices = std::move(candidate);
  return accept(plan);
}

// From the end: what came after the decisive moment goes first, and what is kept keeps its meaning.
void Shrinker::remove_chunks(size_t size) {
  size_t end = deviations().size();
  while (end != 0 && time_left()) {
    end = std::min(end, deviations().size());
    size_t from = end > size ? end - size : 0;
    Deviations candidate = deviations();
    candidate.erase(candidate.begin() + static_cast<ptrdiff_t>(from),
                    candidate.begin() + static_cast<ptrdiff_t>(end));
    accept(std::move(candidate));
    end = from;
  }
}

void Shrinker::remove_deviations() {
  if (!deviations().empty()) accept(Deviations{});
  for (size_t size = std::max<size_t>(deviations().size() / 2, 1);
       !deviations().empty() && time_left();) {
    size_t before = deviations().size();
    remove_chunks(size);
    // One round of single removals that changes nothing is the end: each that is left is needed.
    if (size == 1 && deviations().size() == before) break;
    size = std::clamp<size_t>(size / 2, 1, std::max<size_t>(deviations().size() / 2, 1));
  }
  tell("deviations");
}

void Shrinker::simplify_outcomes() {
  for (size_t i = 0; i < deviations().size() && time_left(); ++i) {
    if (switches_thread(deviations()[i])) continue;
    uint32_t low = 1;  // everything below it was tried, or is taken to be no better than what was
    while (i < deviations().size() && low < deviations()[i].outcome && time_left()) {
      Deviations candidate = deviations();
      uint32_t tried = low == 1 ? 1 : low + (candidate[i].outcome - low) / 2;
      candidate[i].outcome = tried;
      if (!accept(std::move(candidate))) low = tried + 1;
    }
  }
}

bool Shrinker::accept_workload(const std::string& workload) {
  Plan plan = best_.plan;
  plan.workload = workload;
  if (accept(plan)) return true;
  if (request_.mix == nullptr) return false;
  for (uint64_t seed = 0; seed < request_.seeds_per_workload && time_left(); ++seed) {
    plan.choices = Drawn{seed, request_.mix};
    if (accept_drawn(plan)) return true;
  }
  return false;
}

bool Shrinker::shrink_workload() {
  bool smaller = false;
  for (bool moved = true; moved && time_left();) {
    moved = false;
    for (const std::string& workload : best_.plan.suite->shrinks(best_.plan.workload)) {
      if (!time_left()) break;
      if (!accept_workload(workload)) continue;
      // The seeds of the next step fail more often on a short list of deviations than by chance.
      if (deviations().size() > 32) remove_deviations();
      moved = smaller = true;
      break;
    }
  }
  if (smaller) tell("workload");
  return smaller;
}

ShrinkResult Shrinker::shrink() {
  best_.reproduced = reproduce();
  if (best_.reproduced) {
    tell("start");
    do {
      remove_deviations();
      simplify_outcomes();
    } while (time_left() && shrink_workload());
    // Once more as it will be replayed: without the bounds of the search.
    watch_ = {};
    RunResult final_run = runner_.run(best_.plan);
    ++best_.runs;
    best_.died = runner_.last_died();
    if (same_failure(final_run)) {
      best_.result = std::move(final_run);
    } else {
      best_.reproduced = false;
      best_.complaint =
          "the smallest failure did not fail a second time: the run is not deterministic";
    }
  }
  best_.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  return best_;
}

}  // namespace

ShrinkResult shrink(const ShrinkRequest& request, Runner& runner,
                    const std::function<void(const std::string&)>& progress) {
  return Shrinker(request, runner, progress).shrink();
}

}  // namespace pollux::run

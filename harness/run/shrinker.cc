// SPDX-License-Identifier: MIT
//
// The state is one failing run, `best_`, and it only ever moves to another failing one that is
// smaller: fewer deviations, a simpler outcome, or a smaller workload. Each pass proposes
// candidates until none of its kind fails any more; `accept` runs a candidate and moves to it when
// it fails in the same way. What a candidate asked for and what came of it differ: a deviation that
// could not happen was skipped. Moving to what came of it drops those at no cost.
//
// Removing chunks ends in a minimum of its own kind: no single deviation can go. Switches come in
// pairs, though, away and back, and where two threads alternate no single switch can go while half
// of them could. So when few are left, pairs are tried, and of very few every subset, smallest
// first. What is still left may yet have a shorter explanation elsewhere: sparse_search.h.
#include "run/shrinker.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "run/sparse_search.h"

namespace pollux::run {
namespace {

using Clock = std::chrono::steady_clock;
using Deviations = std::vector<Deviation>;

constexpr uint64_t kBoundFactor = 4;
constexpr uint64_t kBoundSlack = 1000;
constexpr size_t kPairsUpTo = 24;           // deviations of which every pair is tried
constexpr size_t kSubsetsUpTo = 8;          // deviations of which every subset is tried
constexpr size_t kReadable = 6;             // a smaller workload may cost deviations up to so many
constexpr unsigned kGuesses = 2000;         // in a row that do not fail, before it is given up
constexpr unsigned kWorkloadGuesses = 100;  // the same on a smaller workload
constexpr unsigned kSeedsReduced = 3;       // failing seeds of one workload that are worth reducing

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
  struct Failing {
    Plan plan;  // with explicit deviations
    RunResult result;
    bool died = false;
  };

  std::string reproduce();  // or why not
  RunResult try_run(const Plan&, const Watch&);
  bool accept(Plan candidate);
  bool accept(Deviations);
  void reduce();
  void remove_chunks();
  bool remove_pair();
  bool keep_subset();
  void guess(unsigned misses_most);
  void simplify_outcomes();
  bool shrink_workload();
  bool accept_workload(const std::string& workload);
  bool accept_seed(const std::string& workload, uint64_t seed);
  bool time_left();
  void tell(const char* pass);

  const Deviations& deviations() const { return std::get<Deviations>(best_.plan.choices); }
  bool same_failure(const RunResult& run) const {
    return run.verdict == best_.result.verdict && property_of(run) == property_;
  }

  const ShrinkRequest& request_;
  Runner& runner_;
  const std::function<void(const std::string&)>& progress_;
  Failing best_;
  std::string property_;
  Watch watch_;  // bounds of the candidates
  Guesses guesses_;
  uint64_t runs_ = 0;
  size_t deviations_before_ = 0;
  bool out_of_time_ = false;
  Clock::time_point start_ = Clock::now();
};

bool Shrinker::time_left() {
  out_of_time_ = Clock::now() - start_ >= request_.budget;
  return !out_of_time_;
}

void Shrinker::tell(const char* pass) {
  progress_(std::string(pass) + ": " + std::to_string(deviations().size()) +
            " deviations, workload of " + std::to_string(best_.plan.workload.size()) +
            " characters, " + std::to_string(runs_) + " runs");
}

RunResult Shrinker::try_run(const Plan& plan, const Watch& watch) {
  ++runs_;
  return runner_.run(plan, watch);
}

bool Shrinker::accept(Plan candidate) {
  if (!time_left()) return false;
  RunResult run = try_run(candidate, watch_);
  if (!same_failure(run)) return false;
  if (run.deviations.size() < std::get<Deviations>(candidate.choices).size()) {
    candidate.choices = run.deviations;
  }
  best_ = {std::move(candidate), std::move(run), runner_.last_died()};
  return true;
}

bool Shrinker::accept(Deviations candidate) {
  return accept(
      Plan{best_.plan.suite, best_.plan.workload, std::move(candidate), best_.plan.overrides});
}

// Runs the plan as it is, then by its deviations alone: from there on they are the plan.
std::string Shrinker::reproduce() {
  best_.plan = request_.plan;
  best_.result = try_run(request_.plan, {});
  best_.died = runner_.last_died();
  if (best_.result.verdict == Verdict::held) return "the run holds: there is nothing to shrink";
  property_ = property_of(best_.result);
  Deviations found = best_.result.deviations;
  deviations_before_ = found.size();
  best_.plan.choices = found;
  if (!accept(std::move(found))) {
    return "the deviations of the run alone do not lead to " +
           std::string(to_string(best_.result.verdict)) + " (" + property_ + ") again";
  }
  // A candidate may take another way than the failure and get lost on it. A run that died can not
  // tell how long it was, and one that spent its bound needs all of it to do so again.
  bool bounded =
      best_.result.verdict == Verdict::step_limit || best_.result.verdict == Verdict::time_limit;
  if (!best_.died && !bounded) {
    watch_.points_max = best_.result.points * kBoundFactor + kBoundSlack;
    watch_.calls_max = best_.result.calls * kBoundFactor + kBoundSlack;
  }
  return "";
}

// From the end: what came after the decisive moment goes first, and what is kept keeps its meaning.
void Shrinker::remove_chunks() {
  if (!deviations().empty()) accept(Deviations{});
  size_t size = std::max<size_t>(deviations().size() / 2, 1);
  while (!deviations().empty() && time_left()) {
    size_t before = deviations().size();
    for (size_t end = before; end != 0 && time_left();) {
      end = std::min(end, deviations().size());
      size_t from = end > size ? end - size : 0;
      Deviations candidate = deviations();
      candidate.erase(candidate.begin() + static_cast<ptrdiff_t>(from),
                      candidate.begin() + static_cast<ptrdiff_t>(end));
      accept(std::move(candidate));
      end = from;
    }
    // One round of single removals that changes nothing is the end: each that is left is needed.
    if (size == 1 && deviations().size() == before) break;
    size = std::clamp<size_t>(size / 2, 1, std::max<size_t>(deviations().size() / 2, 1));
  }
}

bool Shrinker::remove_pair() {
  for (size_t second = deviations().size(); second-- > 1;) {
    for (size_t first = second; first-- > 0;) {
      if (!time_left()) return false;
      Deviations candidate = deviations();
      candidate.erase(candidate.begin() + static_cast<ptrdiff_t>(second));
      candidate.erase(candidate.begin() + static_cast<ptrdiff_t>(first));
      if (accept(std::move(candidate))) return true;
    }
  }
  return false;
}

// Subsets with at least three fewer; one and two fewer were tried.
bool Shrinker::keep_subset() {
  const Deviations all = deviations();
  for (size_t kept = 1; kept + 3 <= all.size(); ++kept) {
    for (uint32_t members = 1; members < 1u << all.size(); ++members) {
      if (static_cast<size_t>(std::popcount(members)) != kept) continue;
      if (!time_left()) return false;
      Deviations candidate;
      for (size_t i = 0; i < all.size(); ++i) {
        if ((members >> i & 1) != 0) candidate.push_back(all[i]);
      }
      if (accept(std::move(candidate))) return true;
    }
  }
  return false;
}

void Shrinker::reduce() {
  do {
    remove_chunks();
  } while ((deviations().size() <= kPairsUpTo && remove_pair()) ||
           (deviations().size() <= kSubsetsUpTo && keep_subset()));
}

// Moves on as long as guesses hit.
void Shrinker::guess(unsigned misses_most) {
  for (unsigned misses = 0; misses < misses_most && deviations().size() > 2 && time_left();) {
    if (accept(guesses_.next(deviations(), deviations().size()))) {
      reduce();
      misses = 0;
    } else {
      ++misses;
    }
  }
}

void Shrinker::simplify_outcomes() {
  for (size_t i = 0; i < deviations().size() && time_left(); ++i) {
    if (switches_thread(deviations()[i])) continue;
    uint32_t low = 1;  // what is below was tried, or is taken to be no better than what was
    while (i < deviations().size() && low < deviations()[i].outcome && time_left()) {
      Deviations candidate = deviations();
      uint32_t tried = low == 1 ? 1 : low + (candidate[i].outcome - low) / 2;
      candidate[i].outcome = tried;
      if (!accept(std::move(candidate))) low = tried + 1;
    }
  }
}

// Moves to the deviations that this seed finds on the workload, when it fails there.
bool Shrinker::accept_seed(const std::string& workload, uint64_t seed) {
  Plan plan{best_.plan.suite, workload, Drawn{seed, request_.mix}, best_.plan.overrides};
  RunResult run = try_run(plan, watch_);
  if (!same_failure(run)) return false;
  plan.choices = std::move(run.deviations);
  return accept(std::move(plan));
}

bool Shrinker::accept_workload(const std::string& workload) {
  Plan plan = best_.plan;
  plan.workload = workload;
  if (accept(plan)) return true;
  for (unsigned i = 0; i < kWorkloadGuesses && !deviations().empty() && time_left(); ++i) {
    plan.choices = guesses_.next(deviations(), deviations().size() + 1);
    if (accept(plan)) return true;
  }
  if (request_.mix == nullptr) return false;
  const Failing before = best_;
  const size_t enough = std::max(deviations().size(), kReadable);
  unsigned reduced = 0;
  for (uint64_t seed = 0; seed < request_.seeds_per_workload && time_left(); ++seed) {
    if (!accept_seed(workload, seed)) continue;
    reduce();
    if (deviations().size() <= enough) return true;
    best_ = before;
    if (++reduced == kSeedsReduced) break;
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
      moved = smaller = true;
      break;
    }
  }
  if (smaller) tell("workload");
  return smaller;
}

ShrinkResult Shrinker::shrink() {
  ShrinkResult report;
  report.complaint = reproduce();
  if (report.complaint.empty()) {
    tell("start");
    do {
      reduce();
      tell("deviations");
      guess(kGuesses);
      simplify_outcomes();
      tell("guesses");
    } while (time_left() && shrink_workload());
    // Once more as it will be replayed: without the bounds of the search.
    RunResult again = try_run(best_.plan, {});
    if (same_failure(again)) {
      best_.result = std::move(again);
    } else {
      report.complaint = "the smallest failure did not fail a second time: not deterministic";
    }
  }
  report.reproduced = report.complaint.empty();
  report.plan = std::move(best_.plan);
  report.result = std::move(best_.result);
  report.died = best_.died;
  report.deviations_before = deviations_before_;
  report.workload_before = request_.plan.workload.size();
  report.runs = runs_;
  report.out_of_time = out_of_time_;
  report.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  return report;
}

}  // namespace

ShrinkResult shrink(const ShrinkRequest& request, Runner& runner,
                    const std::function<void(const std::string&)>& progress) {
  return Shrinker(request, runner, progress).shrink();
}

}  // namespace pollux::run

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
// first. What is still left may yet have a shorter explanation elsewhere: guesses near by
// (sparse_search.h), a smaller workload, other seeds.
#include "run/shrinker.h"

#include <algorithm>
#include <bit>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "run/small_scope.h"
#include "run/sparse_search.h"

namespace pollux::run {
namespace {

using Clock = std::chrono::steady_clock;
using Deviations = std::vector<Deviation>;

constexpr uint64_t kBoundFactor = 4;
constexpr uint64_t kBoundSlack = 1000;
constexpr size_t kBatch = 64;                   // candidates that the runner gets at once ...
constexpr size_t kBatchDeviations = 64 * 1024;  // ... when they are not longer than this together
constexpr size_t kLong = 64;                    // deviations that are not worth single removals yet
constexpr size_t kPieces = 128;                 // that a long list is cut into at most
constexpr size_t kPairsUpTo = 24;               // deviations of which every pair is tried
constexpr size_t kSubsetsUpTo = 8;              // deviations of which every subset is tried
constexpr size_t kFewEnough = 2;                // deviations that are not worth a guess
constexpr size_t kReadable = 6;            // a smaller workload may cost deviations up to so many
constexpr unsigned kGuesses = 512;         // that may miss before the workload is looked at
constexpr unsigned kLuckySeeds = 48;       // between guesses, when nothing else helps
constexpr unsigned kShorterSeeds = 384;    // that may fail by a shorter list than a long one
constexpr unsigned kSeedsPerMix = 16;      // before another strategy has its turn
constexpr unsigned kWorkloadGuesses = 24;  // the same on each smaller workload
constexpr unsigned kStepsMost =
    16;  // to smaller workloads before the deviations are looked at again
constexpr size_t kGuessedWorkloads = 24;  // smaller workloads that are worth guesses
constexpr size_t kSeededWorkloads = 6;    // and seeds
constexpr int kSmallScopeShare = 4;       // of the budget, for single holds
constexpr uint64_t kSmallRun = 2000;      // points of a run whose single holds are all tried
constexpr unsigned kSeedsReduced = 3;     // failing seeds of one workload that are worth reducing

Deviations without(const Deviations& all, size_t from, size_t to) {
  Deviations rest(all.begin(), all.begin() + static_cast<ptrdiff_t>(from));
  rest.insert(rest.end(), all.begin() + static_cast<ptrdiff_t>(to), all.end());
  return rest;
}

class Shrinker {
 public:
  Shrinker(const ShrinkRequest& request, Runner& runner,
           const std::function<void(const std::string&)>& progress)
      : request_(request), runner_(runner), progress_(progress) {
    if (request.mix == nullptr) return;
    mixes_.push_back(request.mix);
    // Priorities switch threads less often: shorter lists to begin with.
    for (unsigned depth : {2u, 3u}) {
      mixes_.push_back(make_mix({.pct_depth = depth}, request.mix->profile));
    }
  }

  ShrinkResult shrink();

 private:
  struct Failing {
    Plan plan;  // with explicit deviations
    RunResult result;
    bool died = false;
  };

  std::string reproduce();  // or why not
  RunResult try_run(const Plan&, const Watch&);
  size_t accept_first(Plan, const std::vector<Deviations>&);
  bool accept(const Plan&);
  template <class Next>
  bool accept_any(const Plan&, Next);
  void reduce();
  void reduce_coarsely();
  void remove_chunks(size_t smallest);
  void remove_chunks_of(size_t size);
  void remove_groups();
  bool remove_pair();
  bool keep_subset();
  bool guess(const Plan&, size_t fewer_than, unsigned tries);
  void simplify_outcomes();
  bool shrink_workload();
  enum class Effort { same_deviations, guesses, seeds };
  bool accept_workload(const std::string& workload, Effort);
  bool accept_seeds(const std::string& workload, size_t fewer_than, unsigned seeds);
  bool small_scope();
  bool accept_single_hold(const std::string& workload);
  bool shorten();
  bool try_luck();
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
  Watch watch_;     // bounds of the candidates
  RunResult last_;  // run
  Guesses guesses_;
  SmallWorkloads small_workloads_;
  std::set<std::string> left_;  // workloads for smaller ones: two may each be a shrink of the other
  std::vector<std::shared_ptr<const Mix>> mixes_;  // that seeds draw from; none: no seeds
  uint64_t next_seed_ = 0;
  uint64_t runs_ = 0;
  size_t deviations_before_ = 0;
  bool out_of_time_ = false;
  Clock::time_point start_ = Clock::now();
};

bool Shrinker::time_left() {
  auto spent = Clock::now() - start_;
  out_of_time_ = spent >= request_.budget;
  bool enough = spent >= request_.soft_budget && deviations().size() <= kReadable;
  return !out_of_time_ && !enough;
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

// Moves to the first candidate that fails in the same way; all of them with the workload of `plan`.
// Returns which, or how many there are.
size_t Shrinker::accept_first(Plan plan, const std::vector<Deviations>& candidates) {
  for (size_t from = 0; from < candidates.size() && time_left();) {
    auto left = std::span(candidates).subspan(from);
    size_t at = from + runner_.run_until_failure(plan, left, watch_, last_);
    runs_ += std::min(at + 1, candidates.size()) - from;
    if (at < candidates.size() && same_failure(last_)) {
      bool skipped = last_.deviations.size() < candidates[at].size();
      plan.choices = skipped ? last_.deviations : candidates[at];
      best_ = {std::move(plan), last_, runner_.last_died()};
      return at;
    }
    from = at + 1;
  }
  return candidates.size();
}

bool Shrinker::accept(const Plan& plan) {
  return accept_first(plan, {std::get<Deviations>(plan.choices)}) == 0;
}

// The same for as many candidates as `next` makes, until it makes none (false).
template <class Next>
bool Shrinker::accept_any(const Plan& plan, Next next) {
  for (bool more = true; more && time_left();) {
    std::vector<Deviations> batch;
    while (batch.size() < kBatch && more) {
      batch.emplace_back();
      more = next(batch.back());
      if (!more) batch.pop_back();
    }
    if (accept_first(plan, batch) < batch.size()) return true;
  }
  return false;
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
  best_.plan.choices = std::move(found);
  // Whatever the time is: without this run there is nothing to say.
  RunResult again = try_run(best_.plan, {});
  if (!same_failure(again)) {
    return "the deviations of the run alone do not lead to " +
           std::string(to_string(best_.result.verdict)) + " (" + property_ + ") again";
  }
  best_.died = runner_.last_died();
  if (again.deviations.size() < deviations_before_) best_.plan.choices = again.deviations;
  best_.result = std::move(again);
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
void Shrinker::remove_chunks(size_t smallest) {
  accept_first(best_.plan, {Deviations{}});
  size_t size = std::max(deviations().size() / 2, smallest);
  while (!deviations().empty() && time_left()) {
    size_t before = deviations().size();
    remove_chunks_of(size);
    // One round of the smallest that changes nothing is the end: each that is left is needed.
    if (size == smallest && deviations().size() == before) break;
    size = std::clamp(size / 2, smallest, std::max(deviations().size() / 2, smallest));
  }
}

void Shrinker::remove_chunks_of(size_t size) {
  for (size_t end = deviations().size(); end != 0 && time_left();) {
    const size_t count = deviations().size();
    const size_t batch_size = std::clamp<size_t>(kBatchDeviations / count, 1, kBatch);
    std::vector<Deviations> batch;
    std::vector<size_t> starts;
    for (size_t to = end; to != 0 && batch.size() < batch_size; to = starts.back()) {
      starts.push_back(to > size ? to - size : 0);
      batch.push_back(without(deviations(), starts.back(), to));
    }
    size_t accepted = accept_first(best_.plan, batch);
    end = std::min(starts[std::min(accepted, starts.size() - 1)], deviations().size());
  }
}

bool Shrinker::remove_pair() {
  const Deviations all = deviations();
  size_t second = all.size(), first = 0;
  return accept_any(best_.plan, [&](Deviations& candidate) {
    if (first == 0) {
      if (second <= 1) return false;
      first = --second;
    }
    --first;
    candidate = without(without(all, second, second + 1), first, first + 1);
    return true;
  });
}

// Subsets with at least three fewer; one and two fewer were tried.
bool Shrinker::keep_subset() {
  const Deviations all = deviations();
  size_t kept = 1;
  uint32_t members = 0;
  return accept_any(best_.plan, [&](Deviations& candidate) {
    do {
      if (++members == 1u << all.size()) {
        members = 1;
        ++kept;
      }
      if (kept + 3 > all.size()) return false;
    } while (static_cast<size_t>(std::popcount(members)) != kept);
    for (size_t i = 0; i < all.size(); ++i) {
      if ((members >> i & 1) != 0) candidate.push_back(all[i]);
    }
    return true;
  });
}

// Whatever one thread, one site, or one thread at one site has.
void Shrinker::remove_groups() {
  auto drop = [this](auto same) {
    for (size_t i = 0; i < deviations().size() && time_left(); ++i) {
      const Deviation chosen = deviations()[i];
      bool seen =
          std::any_of(deviations().begin(), deviations().begin() + static_cast<ptrdiff_t>(i),
                      [&](const Deviation& d) { return same(d, chosen); });
      if (seen) continue;
      Deviations rest = deviations();
      std::erase_if(rest, [&](const Deviation& d) { return same(d, chosen); });
      if (accept_first(best_.plan, {rest}) == 0) i = 0;
    }
  };
  drop([](const Deviation& a, const Deviation& b) { return a.actor == b.actor; });
  drop([](const Deviation& a, const Deviation& b) { return a.site == b.site; });
  drop([](const Deviation& a, const Deviation& b) {
    return a.actor == b.actor && a.site == b.site;
  });
}

// Of a long list each single removal is a run, and most of them fail, which is dear: coarse pieces
// do until the workload is smaller and the lists are short.
void Shrinker::reduce_coarsely() {
  remove_groups();
  remove_chunks(std::max<size_t>(deviations().size() / kPieces, 1));
}

void Shrinker::reduce() {
  remove_groups();
  do {
    remove_chunks(1);
  } while ((deviations().size() <= kPairsUpTo && remove_pair()) ||
           (deviations().size() <= kSubsetsUpTo && keep_subset()));
}

bool Shrinker::guess(const Plan& plan, size_t fewer_than, unsigned tries) {
  const Deviations known = deviations();
  return !known.empty() && fewer_than > 1 &&
         accept_any(plan, [&, tries](Deviations& candidate) mutable {
           if (tries == 0) return false;
           --tries;
           candidate = guesses_.next(known, fewer_than);
           return true;
         });
}

void Shrinker::simplify_outcomes() {
  for (size_t i = 0; i < deviations().size() && time_left(); ++i) {
    if (switches_thread(deviations()[i])) continue;
    uint32_t low = 1;  // what is below was tried, or is taken to be no better than what was
    while (i < deviations().size() && low < deviations()[i].outcome && time_left()) {
      Deviations candidate = deviations();
      uint32_t tried = low == 1 ? 1 : low + (candidate[i].outcome - low) / 2;
      candidate[i].outcome = tried;
      if (accept_first(best_.plan, {candidate}) != 0) low = tried + 1;
    }
  }
}

// Moves to the deviations that this seed finds on the workload, when it fails there.
bool Shrinker::accept_seed(const std::string& workload, uint64_t seed) {
  const auto& mix = mixes_[seed / kSeedsPerMix % mixes_.size()];
  Plan plan{best_.plan.suite,     workload, Drawn{seed, mix},
            best_.plan.overrides, {},       best_.plan.network};
  RunResult run = try_run(plan, watch_);
  if (!same_failure(run)) return false;
  plan.choices = std::move(run.deviations);
  return accept(plan);
}

// Seeds find long lists; of the first few that fail the one that reduces best is taken.
bool Shrinker::accept_seeds(const std::string& workload, size_t fewer_than, unsigned seeds) {
  if (mixes_.empty()) return false;
  const Failing before = best_;
  Failing least;
  unsigned reduced = 0;
  for (; seeds != 0 && reduced < kSeedsReduced; --seeds) {
    if (!time_left() || fewer_than <= kFewEnough) break;
    if (!accept_seed(workload, next_seed_++)) continue;
    ++reduced;
    deviations().size() > kLong ? reduce_coarsely() : reduce();
    if (deviations().size() < fewer_than) {
      fewer_than = deviations().size();
      least = best_;
    }
    best_ = before;
  }
  if (least.plan.suite == nullptr) return false;
  best_ = std::move(least);
  return true;
}

// One thread held up once, in a small workload: worth more than any short list in a big one.
bool Shrinker::small_scope() {
  const auto start = Clock::now();
  while (time_left() && Clock::now() - start < request_.budget / kSmallScopeShare) {
    std::string workload = small_workloads_.next(*best_.plan.suite, best_.plan.workload);
    if (workload.empty()) return false;
    if (!accept_single_hold(workload)) continue;
    tell("small scope");
    return true;
  }
  return false;
}

bool Shrinker::accept_single_hold(const std::string& workload) {
  Plan plan{best_.plan.suite, workload, Deviations{}, best_.plan.overrides, {}, best_.plan.network};
  if (accept(plan)) return true;
  if (last_.verdict != Verdict::held || last_.points > kSmallRun) return false;
  SingleHolds holds(last_.points);
  while (time_left()) {
    std::vector<Deviations> batch = holds.next(kBatch);
    if (batch.empty()) break;
    if (accept_first(plan, batch) < batch.size()) return true;
    if (last_.deviations.empty()) holds.last_was_skipped();
  }
  return false;
}

// A long list: other seeds may fail by shorter ones, on this workload or on a smaller one.
bool Shrinker::shorten() {
  if (accept_seeds(best_.plan.workload, deviations().size() / 2, kShorterSeeds)) return true;
  std::vector<std::string> workloads = best_.plan.suite->shrinks(best_.plan.workload);
  workloads.resize(std::min(workloads.size(), kGuessedWorkloads));
  for (const std::string& workload : workloads) {
    if (!time_left()) return false;
    if (!accept_workload(workload, Effort::same_deviations) &&
        !accept_seeds(workload, deviations().size(), kShorterSeeds / 4)) {
      continue;
    }
    reduce_coarsely();
    return true;
  }
  return false;
}

// Nothing gets smaller any more and yet nobody could read it: luck is all that is left.
bool Shrinker::try_luck() {
  while (deviations().size() > kReadable && time_left()) {
    if (guess(best_.plan, deviations().size(), kGuesses)) return true;
    if (accept_seeds(best_.plan.workload, deviations().size(), kLuckySeeds)) return true;
  }
  return false;
}

bool Shrinker::accept_workload(const std::string& workload, Effort effort) {
  Plan plan = best_.plan;
  plan.workload = workload;
  switch (effort) {
    case Effort::same_deviations:
      return accept(plan);
    case Effort::guesses:
      return guess(plan, deviations().size() + 1, kWorkloadGuesses);
    case Effort::seeds:
      return accept_seeds(workload, std::max(deviations().size(), kReadable) + 1,
                          request_.seeds_per_workload);
  }
  return false;
}

// The cheap way for every smaller workload first, the dear ones only where that leads no further,
// and only for the most promising. Whoever called looks at the deviations again after each step.
bool Shrinker::shrink_workload() {
  bool smaller = false;
  auto step = [&](Effort effort, size_t most) {
    std::vector<std::string> workloads = best_.plan.suite->shrinks(best_.plan.workload);
    workloads.resize(std::min(workloads.size(), most));
    std::string before = best_.plan.workload;
    bool moved = std::any_of(workloads.begin(), workloads.end(), [&](const std::string& workload) {
      return !left_.contains(workload) && time_left() && accept_workload(workload, effort);
    });
    if (moved) left_.insert(std::move(before));
    smaller |= moved;
    return moved;
  };
  for (unsigned steps = 0; steps < kStepsMost && step(Effort::same_deviations, SIZE_MAX); ++steps) {
  }
  if (!smaller) step(Effort::guesses, kGuessedWorkloads);
  if (!smaller) step(Effort::seeds, kSeededWorkloads);
  if (smaller) tell("workload");
  return smaller;
}

ShrinkResult Shrinker::shrink() {
  ShrinkResult report;
  report.complaint = reproduce();
  if (report.complaint.empty()) {
    tell("start");
    reduce_coarsely();
    for (bool moved = true; moved && time_left();) {
      tell("coarsely");
      if (deviations().size() > kReadable && small_scope()) continue;
      if (deviations().size() > kLong && shorten()) continue;
      do {
        reduce();
        tell("deviations");
      } while (deviations().size() > kFewEnough &&
               guess(best_.plan, deviations().size(), kGuesses));
      simplify_outcomes();
      moved = (deviations().size() > kReadable &&
               accept_seeds(best_.plan.workload, deviations().size(), kShorterSeeds)) ||
              shrink_workload() || try_luck();
    }
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

// SPDX-License-Identifier: MIT
#include "planted/search.h"

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>

#include "run/explore.h"
#include "run/sweep.h"
#include "run/worker.h"

namespace pollux::properties {
namespace {

// Of this process and of its children that have ended.
double processor_seconds() {
  double sum = 0;
  for (int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage;
    ::getrusage(who, &usage);
    for (const timeval& part : {usage.ru_utime, usage.ru_stime})
      sum += static_cast<double>(part.tv_sec) + static_cast<double>(part.tv_usec) * 1e-6;
  }
  return sum;
}

template <class Value>
Value known(std::variant<Value, std::string> parsed) {
  if (auto* message = std::get_if<std::string>(&parsed)) {
    std::fprintf(stderr, "pollux: %s\n", message->c_str());
    std::abort();
  }
  return std::get<Value>(std::move(parsed));
}

faults::Profile load(const std::string& name) {
  auto loaded = faults::load_profile(name);
  if (auto* error = std::get_if<faults::ProfileError>(&loaded)) {
    std::fprintf(stderr, "pollux: %s\n", error->message.c_str());
    std::abort();
  }
  return std::get<faults::Profile>(std::move(loaded));
}

void search_within_bound(const SearchRequest& request, SearchResult& result) {
  struct Nobody final : run::ExploreListener {
    void on_progress(const run::ExploreTotals&) override {}
  } nobody;
  run::ExploreRequest explore;
  explore.suite = request.suite;
  explore.workload = request.suite->workload(request.first_seed);
  explore.preemptions = request.preemptions;
  explore.profile = load(request.profile);
  explore.faults = !explore.profile.faults.empty();
  explore.overrides = request.overrides;
  if (request.strategy == "weak") {  // a stale read counts as a fault
    explore.overrides["weak_memory"] = 1;
    explore.faults = 1;
  }
  explore.budget = request.budget;
  run::ExploreTotals totals = run::explore(explore, nobody);
  result.runs = totals.runs + totals.failure.has_value();  // only runs that held are counted there
  result.complete = totals.complete;
  result.failure = std::move(totals.failure);
  if (!totals.diverged.empty()) {
    result.failure.emplace();
    result.failure->verdict = Verdict::diverged;
    result.failure->reason = totals.diverged;
  }
}

void search_seeds(const SearchRequest& request, SearchResult& result) {
  struct First final : run::SweepListener {
    explicit First(SearchResult& r) : result(r) {}
    void on_failure(const run::SweepFailure& failure) override { result.failure = failure.result; }
    void on_progress(const run::SweepTotals&, double) override {}
    SearchResult& result;
  } first(result);
  run::SweepRequest sweep;
  sweep.suite = request.suite;
  sweep.mix = run::make_mix(known(run::parse_strategy(request.strategy)), load(request.profile));
  sweep.overrides = request.overrides;
  sweep.first = request.first_seed;
  sweep.end = request.first_seed + request.runs_max;
  sweep.audit_percent = 0;
  sweep.fail_fast = true;
  sweep.budget = request.budget;
  result.runs = run::sweep(sweep, first).runs;
}

// The boring run, and how many points each of its threads had.
class PointCounter final : public Strategy {
 public:
  void begin(std::span<uint32_t, kSitesMax> skip) override {
    for (uint32_t& each : skip) each = kNeverAsk;
    skip[site::kPoint] = skip[site::kPick] = 0;
  }
  Answer choose(Actor, Site, uint32_t, uint32_t) override { return {0, kNeverAsk}; }
  ThreadAnswer choose_thread(Actor actor, Site site, uint32_t ordinal, uint64_t,
                             Actor boring) override {
    if (site == site::kPoint) {
      if (actor >= counts.size()) counts.resize(actor + 1u, 0);
      counts[actor] = ordinal + 1;
    }
    return {boring, 0};
  }
  std::vector<uint32_t> counts;
};

// The counts belong to a workload, which therefore is run several times. The run that is counted is
// made here, since a child could not hand its counts over, and only once it is known to hold: one
// that crashes would take us with it.
void search_by_surw(const SearchRequest& request, SearchResult& result) {
  const auto start = std::chrono::steady_clock::now();
  const faults::Profile profile = load(request.profile);
  constexpr uint64_t kRunsOfWorkload = 32;
  run::Worker worker;
  std::string counted;
  std::shared_ptr<const run::Mix> mix;  // the same one for as long as it can be: so is the process
  for (uint64_t seed = request.first_seed; result.runs < request.runs_max; ++seed) {
    if (request.budget.count() != 0 && std::chrono::steady_clock::now() - start > request.budget)
      return;
    const uint64_t workload_seed = seed - seed % kRunsOfWorkload;
    run::Plan plan{request.suite, request.suite->workload(workload_seed), {}, request.overrides};
    if (plan.workload != counted) {
      plan.choices = std::vector<Deviation>{};
      RunResult boring = worker.run(plan);
      ++result.runs;
      if (boring.verdict != Verdict::held) {
        result.failure = std::move(boring);
        return;
      }
      PointCounter counter;
      run::execute(plan, {}, &counter);
      counted = plan.workload;
      run::StrategySpec spec;
      spec.plain = run::StrategySpec::Plain::surw;
      spec.surw_counts = counter.counts;
      mix = run::make_mix(spec, profile);
    }
    plan.choices = run::Drawn{seed, mix};
    RunResult run = worker.run(plan);
    ++result.runs;
    if (run.verdict == Verdict::held) continue;
    result.failure = std::move(run);
    return;
  }
}

}  // namespace

SearchResult search(const SearchRequest& request) {
  SearchResult result;
  const double before = processor_seconds();
  if (is_exhaustive(request.strategy)) {
    search_within_bound(request, result);
  } else if (request.strategy == "surw") {
    search_by_surw(request, result);
  } else {
    search_seeds(request, result);
  }
  result.seconds = processor_seconds() - before;
  return result;
}

bool is_exhaustive(const std::string& strategy) {
  return strategy == "explore" || strategy == "weak";
}

std::string check_strategy(const std::string& name) {
  if (is_exhaustive(name) || name == "surw") return "";
  auto parsed = run::parse_strategy(name);
  const auto* message = std::get_if<std::string>(&parsed);
  return message == nullptr ? "" : *message;
}

}  // namespace pollux::properties

// SPDX-License-Identifier: MIT
//
// Fibers on borrowed thread control blocks must change nothing: every suite, the planted ones
// included, gives the same verdicts and hashes on OS threads that take turns.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "pollux/faults/profile.h"
#include "run/sweep.h"

namespace pollux::properties {
namespace {

struct Case {
  const Suite* suite;
  const char* strategy;
  const char* profile;
  bool weak_memory;
};

void PrintTo(const Case& sweep, std::ostream* os) { *os << sweep.suite->name(); }

struct Outcome {
  std::vector<uint64_t> hashes;
  std::map<uint64_t, std::string> failures;  // by seed
  uint64_t digest;                           // of verdicts and hashes, also of runs that crashed
};

Outcome sweep(const Case& what, bool real_threads) {
  struct Listener final : run::SweepListener {
    void on_failure(const run::SweepFailure& failure) override {
      // A crash has its last output in the reason, where addresses may be.
      const RunResult& result = failure.result;
      failures[failure.seed] = std::string(to_string(result.verdict)) +
                               (result.verdict == Verdict::crash ? "" : ": " + result.reason);
    }
    void on_progress(const run::SweepTotals&, double) override {}
    std::map<uint64_t, std::string> failures;
  } listener;
  run::SweepRequest request;
  request.suite = what.suite;
  request.mix = run::make_mix(std::get<run::StrategySpec>(run::parse_strategy(what.strategy)),
                              std::get<faults::Profile>(faults::load_profile(what.profile)));
  if (what.weak_memory) request.overrides["weak_memory"] = 1;
  if (real_threads) request.overrides["real_threads"] = 1;
  // Protocols are small, and have one workload.
  request.end = what.suite->workload(0) == what.suite->workload(1) ? 60 : 12;
  request.audit_percent = 0;
  request.keep_hashes = true;
  const run::SweepTotals totals = run::sweep(request, listener);
  EXPECT_TRUE(totals.complete);
  return {totals.hashes, listener.failures, totals.digest};
}

class BothBackends : public testing::TestWithParam<Case> {};

TEST_P(BothBackends, Agree) {
  const Outcome fibers = sweep(GetParam(), false), threads = sweep(GetParam(), true);
  EXPECT_EQ(fibers.hashes, threads.hashes);
  EXPECT_EQ(fibers.failures, threads.failures);
  EXPECT_EQ(fibers.digest, threads.digest);
}

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const Suite* suite : suites()) {
    list.push_back({suite, "random", "legal", false});
    list.push_back({suite, "pct:3", "calm", true});
  }
  return list;
}

INSTANTIATE_TEST_SUITE_P(All, BothBackends, testing::ValuesIn(cases()), [](const auto& info) {
  std::string name(info.param.suite->name());
  name += info.param.weak_memory ? "_weak" : "";
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace pollux::properties

// SPDX-License-Identifier: MIT
//
// Each planted bug is convicted of what it is known for, in the way that bugs.txt names; the
// equivalent ones are not convicted at all.
#include <gtest/gtest.h>

#include <algorithm>

#include "planted/planted.h"
#include "planted/search.h"

namespace pollux::properties {

void PrintTo(const PlantedBug& bug, std::ostream* os) { *os << bug.suite->name(); }

namespace {

class PlantedBugs : public testing::TestWithParam<PlantedBug> {};

TEST_P(PlantedBugs, AreConvicted) {
#ifndef POLLUX_ATOMIC_POINTS
  GTEST_SKIP() << "atomics are no points here";
#endif
  const PlantedBug& bug = GetParam();
  if (bug.open) GTEST_SKIP() << "nothing has found it yet";
  SearchRequest request{.suite = bug.suite, .strategy = bug.strategy, .profile = bug.profile};
  if (is_exhaustive(request.strategy)) {
    request.preemptions = static_cast<unsigned>(bug.within);
  } else {
    request.runs_max = bug.within;
  }
  const SearchResult result = search(request);
  RecordProperty("runs", std::to_string(result.runs));
  if (bug.equivalent()) {
    EXPECT_FALSE(result.failure) << to_string(result.failure->verdict) << ": "
                                 << result.failure->reason;
    EXPECT_TRUE(result.complete || !is_exhaustive(request.strategy));
    return;
  }
  ASSERT_TRUE(result.failure) << "not within " << bug.within << ", " << result.runs << " runs";
  EXPECT_TRUE(bug.convicted_by(*result.failure))
      << to_string(result.failure->verdict) << ": " << result.failure->reason << "\nknown for "
      << bug.verdicts;
  std::printf("%lu runs: %s: %s\n", static_cast<unsigned long>(result.runs),
              std::string(to_string(result.failure->verdict)).c_str(),
              result.failure->reason.c_str());
}

INSTANTIATE_TEST_SUITE_P(All, PlantedBugs,
                         testing::ValuesIn(planted_bugs().begin(), planted_bugs().end()),
                         [](const auto& info) {
                           std::string name(info.param.suite->name());
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace pollux::properties

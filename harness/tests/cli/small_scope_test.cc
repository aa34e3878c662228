// SPDX-License-Identifier: MIT
//
// The search for small examples: it looks everywhere, and nowhere twice.
#include "run/small_scope.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>

namespace pollux::run {
namespace {

// A workload is a word; each of its letters can go.
class Words final : public Suite {
 public:
  std::string_view name() const override { return "words"; }
  std::string_view description() const override { return "words"; }
  std::string workload(uint64_t) const override { return "abcd"; }
  std::string validate(const std::string&) const override { return ""; }
  std::string describe(const std::string& workload) const override { return workload; }
  void populate(const std::string&, World&) const override {}
  std::vector<std::string> shrinks(const std::string& workload) const override {
    std::vector<std::string> smaller;
    for (size_t i = 0; workload.size() > 1 && i < workload.size(); ++i) {
      smaller.push_back(workload.substr(0, i) + workload.substr(i + 1));
    }
    return smaller;
  }
};

TEST(SmallWorkloadsTest, ReturnsSmallerWorkloadsOnceAndTheSmallest) {
  const Words words;
  SmallWorkloads workloads;
  std::set<std::string> found;
  for (std::string word = workloads.next(words, "abcd"); !word.empty();
       word = workloads.next(words, "abcd")) {
    EXPECT_LT(word.size(), 4u);
    EXPECT_TRUE(found.insert(word).second) << word << " came twice";
  }
  for (const char* letter : {"a", "b", "c", "d"}) EXPECT_TRUE(found.contains(letter)) << letter;
}

TEST(SmallWorkloadsTest, TakesTheSameWayEachTime) {
  const Words words;
  SmallWorkloads one, other;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(one.next(words, "abcd"), other.next(words, "abcd"));
}

TEST(SingleHoldsTest, HoldsEachThreadUpAtEachOfItsPointsOnce) {
  const std::map<Actor, uint32_t> points = {{0, 11}, {1, 300}, {2, 8}};
  SingleHolds holds(319);
  std::set<std::pair<Actor, uint32_t>> held;
  size_t wasted = 0;
  for (auto batch = holds.next(64); !batch.empty(); batch = holds.next(64)) {
    bool happened = false;
    for (const std::vector<Deviation>& list : batch) {
      ASSERT_EQ(list.size(), 1u);
      EXPECT_EQ(list[0].site, site::kPoint);
      EXPECT_EQ(list[0].outcome, 1u + kNobody);
      auto thread = points.find(list[0].actor);
      happened = thread != points.end() && list[0].ordinal < thread->second;
      if (!happened) {
        ++wasted;
      } else {
        EXPECT_TRUE(held.emplace(list[0].actor, list[0].ordinal).second);
      }
    }
    if (!happened) holds.last_was_skipped();
  }
  EXPECT_EQ(held.size(), 319u);
  EXPECT_LT(wasted, 319u * 3);
}

}  // namespace
}  // namespace pollux::run

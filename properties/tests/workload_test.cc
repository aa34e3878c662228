// SPDX-License-Identifier: MIT
//
// The text form of workloads, the generator, and what shrinking offers.
#include "models/workload.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "generators/workload_generator.h"

namespace pollux::properties {
namespace {

constexpr WorkloadLimits kLimits = {.workers_max = 4};

Workload parsed(const std::string& text) {
  auto result = parse_workload(text);
  if (auto* error = std::get_if<WorkloadError>(&result)) {
    ADD_FAILURE() << text << ": " << error->message;
    return {};
  }
  return std::get<Workload>(result);
}

std::string error_of(const std::string& text) {
  auto result = parse_workload(text);
  auto* error = std::get_if<WorkloadError>(&result);
  return error ? error->message : "no error";
}

size_t weight(const Workload& w) {
  size_t sum = w.workers + w.acceptors + (w.buffer != kBufferDefault) + (w.accept_pause_us != 0) +
               (w.accept_deadline_us != 0);
  for (const Connection& c : w.connections) {
    sum += 1'000'000;
    for (const Record& r : c.records) sum += 100'000 + r.argument / 1000 + (r.argument > 1);
  }
  return sum;
}

RC_GTEST_PROP(WorkloadText, ParsesBackToTheSameWorkload, ()) {
  const Workload w = *arbitrary_workload(kLimits);
  auto result = parse_workload(to_text(w));
  RC_ASSERT(std::holds_alternative<Workload>(result));
  RC_ASSERT(std::get<Workload>(result) == w);
  RC_CLASSIFY(w.connections.size() > 1, "several connections");
  RC_CLASSIFY(w.buffer != kBufferDefault, "small buffers");
}

RC_GTEST_PROP(WorkloadText, OfAnyBytesIsRefusedOrCanonical, (const std::string& text)) {
  auto result = parse_workload("w1;c[" + text);
  if (auto* w = std::get_if<Workload>(&result)) RC_ASSERT(to_text(*w) == "w1;c[" + text);
}

TEST(WorkloadTextTest, HoldsEveryKindOfRecord) {
  for (const KindInfo& info : kinds()) {
    Workload w;
    w.connections.push_back({{{info.kind, info.argument == Argument::none ? 0u : 17u}}});
    EXPECT_EQ(parsed(to_text(w)), w) << to_text(w);
  }
}

TEST(WorkloadTextTest, SaysWhatIsWrongWhereAndWhatWouldBeRight) {
  EXPECT_EQ(error_of(""), "workload, character 1: empty workload; expected w1;c[m32]");
  EXPECT_EQ(error_of("w1;c[m32"),
            "workload, character 9: text ends; expected ']' at the end of a "
            "connection");
  EXPECT_EQ(
      error_of("w1;c[u3]"),
      "workload, character 6: unknown record 'u'; expected one of m s p q d t e k n i f h g x y "
      "v w z r");
  EXPECT_EQ(error_of("w1;c[p5]"),
            "workload, character 8: no unit; expected us, ms or s after the number");
  EXPECT_EQ(error_of("w1;c[p1000us]"),
            "workload, character 7: duration not in its largest unit; expected 1ms");
  EXPECT_EQ(error_of("w1;c[m007]"), "workload, character 7: leading zero; expected 7");
  EXPECT_EQ(error_of("w1;l1;c[]"),
            "workload, character 5: 1 is the default; expected no such part");
  EXPECT_EQ(error_of("c[m1]"), "workload, character 1: no workers part; expected w1 first");
  EXPECT_EQ(error_of("l2;w1;c[m1]"),
            "workload, character 4: part 'w' twice or out of order; expected the order w l b a o, "
            "then c[...]");
  EXPECT_EQ(error_of("w1;c[m1],"),
            "workload, character 9: unexpected ','; expected ';' between parts");
  EXPECT_EQ(error_of("w1;c[m1];"), "workload, character 10: nothing after ';'; expected c[...]");
}

TEST(WorkloadTextTest, KeepsTheRulesBetweenParts) {
  EXPECT_EQ(error_of("w3;c[]"), "w (workers) is 3; must be 1, 2 or 4");
  EXPECT_EQ(error_of("w1"), "number of connections is 0; must be 1 to 32");
  EXPECT_EQ(
      error_of("w1;c[h,m1]"),
      "connection 1: record 1 (client half-close) ends the connection; must be the last record");
  EXPECT_EQ(error_of("w1;b4096;c[];c[m1,m5000]"),
            "connection 2: record 2 (message), bytes is 5000; must be 1 to 4096 (b), or s for a "
            "message beyond the buffers");
  EXPECT_EQ(error_of("w1;c[s65537]"),
            "connection 1: record 1 (streamed message), bytes is 65537; must be 1 to 65536");
}

RC_GTEST_PROP(WorkloadGenerator, KeepsTheRules, (uint64_t seed)) {
  RC_ASSERT(check_rules(workload_of_seed(seed, kLimits)).empty());
  RC_ASSERT(workload_of_seed(seed, {.workers_max = 2}).workers <= 2);
}

// gcc and clang must mean the same by a seed. A change of the generator changes what seeds mean:
// then this changes with it, and says so in the changelog; tokens carry the text itself.
TEST(WorkloadGeneratorTest, GivesTheSameTextForTheSameSeedInEveryBuild) {
  EXPECT_EQ(
      to_text(workload_of_seed(1, kLimits)),
      "w2;b16384;c[d228us,h];c[q11ms,d2ms,d9ms,q7ms];c[i2ms,q10us,s6574,k60us,z16384];c[m43]");
  EXPECT_EQ(to_text(workload_of_seed(2, kLimits)),
            "w2;b8192;c[t15ms];c[m25,t1ms,m43,e1ms,w53us];c[m8192,n176us,m8076,n6ms]");
  EXPECT_EQ(to_text(workload_of_seed(1000000007, kLimits)),
            "w4;b16384;c[g];c[e17us,s657,k6ms,t51us,s39];c[m229,q520us,m17];c[m7,t149us,m30,h]");
}

TEST(WorkloadGeneratorTest, ReachesEveryPartOfTheGrammar) {
  std::set<char> letters;
  bool beyond_buffers = false;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Workload w = workload_of_seed(seed, kLimits);
    letters.insert('0' + static_cast<char>(w.workers));
    if (w.acceptors != 1) letters.insert('l');
    if (w.buffer != kBufferDefault) letters.insert('b');
    if (w.accept_pause_us != 0) letters.insert('a');
    if (w.accept_deadline_us != 0) letters.insert('o');
    for (const Connection& c : w.connections)
      for (const Record& r : c.records) {
        letters.insert(static_cast<char>(r.kind));
        beyond_buffers |= r.kind == RecordKind::stream && r.argument > 2 * w.buffer;
      }
  }
  EXPECT_EQ(letters.size(), kinds().size() + 3 + 4);
  EXPECT_TRUE(beyond_buffers);
}

RC_GTEST_PROP(WorkloadShrinks, AreSmallerAndKeepTheRules, ()) {
  const Workload w = *arbitrary_workload(kLimits);
  const std::vector<Workload> smaller = smaller_workloads(w, 200);
  RC_ASSERT(smaller.size() <= 200u);
  for (const Workload& s : smaller) {
    RC_ASSERT(check_rules(s).empty());
    RC_ASSERT(weight(s) <= weight(w));
    RC_ASSERT(!(s == w));
  }
}

// Whatever one record does: following the shrinks ends at that record alone.
TEST(WorkloadShrinksTest, LeadToTheOneRecordThatMatters) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Workload w = workload_of_seed(seed, kLimits);
    auto fails = [](const Workload& candidate) {
      for (const Connection& c : candidate.connections)
        for (const Record& r : c.records)
          if (r.kind == RecordKind::message && r.argument >= 10) return true;
      return false;
    };
    if (!fails(w)) continue;
    for (bool shrunk = true; shrunk;) {
      shrunk = false;
      for (Workload& s : smaller_workloads(w, 200))
        if (fails(s)) {
          w = std::move(s);
          shrunk = true;
          break;
        }
    }
    EXPECT_EQ(to_text(w), "w1;c[m10]") << "seed " << seed;
  }
}

TEST(WorkloadShrinksTest, EndAtTheSmallestWorkload) {
  EXPECT_TRUE(smaller_workloads(parsed("w1;c[]"), 200).empty());
}

}  // namespace
}  // namespace pollux::properties

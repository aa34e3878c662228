// SPDX-License-Identifier: MIT
//
// netpoll and Asio on the twin: every workload, under every seed, in calm and under legal faults.
// The number of cases keeps the whole file within a minute; the sweeps of `pollux run netpoll
// --seeds ...` go further.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "run_case.h"
#include "suites/compare.h"

namespace pollux::properties {
namespace {

constexpr int kCases = 2000;

// Sanitizer builds leave the subjects without points at atomics, and Asio without its own heap.
#ifdef POLLUX_ATOMIC_POINTS
constexpr bool kAtomicPoints = true;
#else
constexpr bool kAtomicPoints = false;
#endif

const WorkloadSuite& suite(const char* name) {
  return *static_cast<const WorkloadSuite*>(find_suite(name));
}

class HoldsOnTheTwin : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

// A failure is shrunk by RapidCheck, workload first; the seed stays a number, since what it stands
// for can not get smaller (the shrinker of `pollux` works on the choices instead).
TEST_P(HoldsOnTheTwin, UnderEveryWorkloadAndSeed) {
  const WorkloadSuite& subject = suite(std::get<0>(GetParam()));
  const faults::Profile faults = load_profile(std::get<1>(GetParam()));
  rc::detail::TestParams params;
  params.seed = 20261124;
  params.maxSuccess = kCases;
  params.disableShrinking = true;  // a run that failed leaves its threads behind
  rc::detail::TestMetadata metadata;
  metadata.id = std::string(std::get<0>(GetParam())) + '/' + std::get<1>(GetParam());
  auto result = rc::detail::checkTestable(
      [&] {
        const Workload workload = *arbitrary_workload(subject.limits());
        const uint64_t seed = *rc::gen::noShrink(rc::gen::arbitrary<uint64_t>());
        RunResult result = run_case(subject, to_text(workload), seed, faults);
        RC_LOG() << "workload " << to_text(workload) << ", seed " << seed << "\n"
                 << result.reason << "\n"
                 << result.details;
        RC_ASSERT(result.verdict == Verdict::held);
      },
      metadata, params);
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  EXPECT_TRUE(result.template is<rc::detail::SuccessResult>()) << text.str();
}

INSTANTIATE_TEST_SUITE_P(All, HoldsOnTheTwin,
                         testing::Combine(testing::Values("netpoll", "asio"),
                                          testing::Values("calm", "legal")),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param)) + "_" +
                                  std::get<1>(info.param);
                         });

class HasNoDataRace : public testing::TestWithParam<const char*> {};

TEST_P(HasNoDataRace, UnderASweepOfSeeds) {
  if (!kAtomicPoints) GTEST_SKIP() << "needs points at atomics";
  const Suite& subject = *find_suite(GetParam());
  const faults::Profile faults = load_profile("legal");
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const RunResult result = run_case(subject, subject.workload(seed), seed, faults,
                                      [](RunOptions& options) { options.races = true; });
    ASSERT_EQ(result.verdict, Verdict::held) << seed << ": " << result.reason << "\n"
                                             << result.details;
  }
}

INSTANTIATE_TEST_SUITE_P(All, HasNoDataRace, testing::Values("netpoll", "asio", "workers"),
                         [](const auto& info) { return std::string(info.param); });

TEST(SlotMonitorTest, SeesTheTransitionsOfTheRuntime) {
  if (!kAtomicPoints) GTEST_SKIP() << "needs points at atomics";
  // The table is watched, or the suite would hold whatever the runtime did: a region in which every
  // write is reported as outside of the table must end the run.
  static SlotRegion everything;
  RunOptions options;
  std::unique_ptr<Strategy> strategy = make_replay_strategy({});
  options.strategy = strategy.get();
  static const RefereeHooks hooks = {
      .fail = [](const char* property, const std::string& message) { fail(property, message); },
      .fault_gives = [](int) { return false; },
      .fault_resets = [] { return false; },
      .ready = [] {},
      .watch =
          [](const SlotRegion* region) {
            everything = *region;
            watch_atomics(
                region->base, region->stride * region->count,
                [](void*, const AtomicAccess& access) {
                  uintptr_t within = (access.address - everything.base) % everything.stride;
                  if (within != everything.reader_offset) return;
                  if (classify_slot(access.after) == Slot::parked) fail("seen", "a waiter parked");
                },
                nullptr);
          },
  };
  auto workload = std::get<Workload>(parse_workload("w1;c[m32]"));
  Referee referee(workload, hooks);
  World world(options);
  world.add_thread("main", 0, [&] { pollux_subject_netpoll(&workload, &referee); });
  RunResult result = world.run();
  EXPECT_EQ(result.verdict, Verdict::violation);
  EXPECT_EQ(result.reason, "seen: a waiter parked");
}

TEST(CompareTest, ShowsThatEdgeTriggeredAsioHangsAtAnEagainThatIsALie) {
  CompareOptions options;
  options.seeds = 10;
  options.classes = {"echo"};
  options.faults = {"posix/io/rw/read/eagain_lie"};
  std::vector<CompareRow> rows = compare(options, [](const CompareRow&) {});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_TRUE(rows[0].asio.verdicts.contains(Verdict::lost_wakeup)) << to_string(rows[0].asio);
  EXPECT_NE(rows[0].why.find("bytes unread) and nobody acts"), std::string::npos) << rows[0].why;
  EXPECT_NE(rows[0].why.find("no edge need ever come"), std::string::npos) << rows[0].why;
}

TEST(CompareTest, ShowsThatAsioLeavesTheSecondOfTwoReadersBehindAtAReset) {
  CompareOptions options;
  options.seeds = 40;
  options.classes = {"two readers"};
  options.faults = {"linux/io/epoll/epollerr"};
  std::vector<CompareRow> rows = compare(options, [](const CompareRow&) {});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_FALSE(rows[0].same);
  EXPECT_EQ(rows[0].netpoll.verdicts.size(), 1u) << to_string(rows[0].netpoll);
  EXPECT_TRUE(rows[0].netpoll.verdicts.contains(Verdict::held)) << to_string(rows[0].netpoll);
  EXPECT_TRUE(rows[0].asio.verdicts.contains(Verdict::lost_wakeup)) << to_string(rows[0].asio);
}

// Asio's strands choose their mutex by address (subjects/fixed_heap.h).
TEST(DeterminismTest, ARunIsTheSameWhateverWasAllocatedBefore) {
  if (!kAtomicPoints) GTEST_SKIP() << "sanitizers bring their own heap";
  const faults::Profile faults = load_profile("legal");
  for (const char* name : {"asio", "netpoll"}) {
    const WorkloadSuite& subject = suite(name);
    std::vector<std::unique_ptr<char[]>> in_the_way;
    for (uint64_t seed = 0; seed < 400; ++seed) {
      const std::string workload = subject.workload(seed);
      const RunResult first = run_case(subject, workload, seed, faults);
      for (size_t bytes = 16; bytes <= 16384; bytes *= 2)
        in_the_way.push_back(std::make_unique<char[]>(bytes + seed % 64));
      const RunResult second = run_case(subject, workload, seed, faults);
      ASSERT_EQ(first.hash, second.hash) << name << ", seed " << seed << ", " << workload;
    }
  }
}

TEST(CompareTest, SaysWhichNameIsWrong) {
  CompareOptions options;
  options.classes = {"ehco"};
  EXPECT_EQ(check(options).find("no workload class 'ehco'; there are echo, "), 0u);
  options.classes.clear();
  options.faults = {"posix/nothing"};
  EXPECT_EQ(check(options).find("no failure point 'posix/nothing'"), 0u);
}

TEST(CompareTest, ClassesAreWorkloadsOfBothSuites) {
  for (const WorkloadClass& c : workload_classes())
    for (const char* name : {"netpoll", "asio"})
      EXPECT_EQ(suite(name).validate(c.workload), "") << c.workload;
}

}  // namespace
}  // namespace pollux::properties

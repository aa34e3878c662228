// SPDX-License-Identifier: MIT
//
// The parts of the command that need no process: reading what the user typed, results as bytes, the
// failures database, divergence.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <stdlib.h>

#include "cli/arguments.h"
#include "run/divergence.h"
#include "run/failures_db.h"
#include "run/nearest.h"
#include "run/result_code.h"
#include "run/sweep.h"

namespace pollux {
namespace {

template <class Function>
std::string usage_error(Function function) {
  try {
    function();
  } catch (const cli::UsageError& error) {
    return error.message;
  }
  return "";
}

TEST(ArgumentsTest, SeedRangesAreHalfOpenAndNotEmpty) {
  cli::SeedRange range = cli::parse_seeds("--seeds", "5..9");
  EXPECT_EQ(range.first, 5u);
  EXPECT_EQ(range.end, 9u);
  for (const char* bad :
       {"", "5", "5..", "..9", "9..5", "5..5", "a..b", "1..2..3", "-1..4", "1...4", " 1..2"}) {
    EXPECT_NE(usage_error([&] { cli::parse_seeds("--seeds", bad); }), "") << bad;
  }
}

TEST(ArgumentsTest, ASeedIsANumberOrAGitHash) {
  EXPECT_EQ(cli::parse_seed("--seed", "18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(cli::parse_seed("--seed", "0123456789abcdef0123456789abcdef01234567"),
            0x0123456789abcdefu);
  for (const char* bad : {"", "-1", "1.5", "18446744073709551616", "abc", "0x10",
                          "0123456789abcdef0123456789abcdef0123456g"}) {
    EXPECT_NE(usage_error([&] { cli::parse_seed("--seed", bad); }), "") << bad;
  }
}

TEST(ArgumentsTest, DurationsNeedAUnit) {
  using std::chrono::milliseconds;
  EXPECT_EQ(cli::parse_duration("--for", "500ms"), milliseconds(500));
  EXPECT_EQ(cli::parse_duration("--for", "30s"), milliseconds(30'000));
  EXPECT_EQ(cli::parse_duration("--for", "5m"), milliseconds(300'000));
  EXPECT_EQ(cli::parse_duration("--for", "2h"), milliseconds(7'200'000));
  for (const char* bad :
       {"", "30", "s", "0s", "-1s", "1.5s", "30 s", "99999999999h", "18446744073709551615s"}) {
    EXPECT_NE(usage_error([&] { cli::parse_duration("--for", bad); }), "") << bad;
  }
}

RC_GTEST_PROP(ShardProperty, ShardsCoverTheSeedsOnceEach, ()) {
  uint64_t first = *rc::gen::inRange<uint64_t>(0, 1000),
           count = *rc::gen::inRange<uint64_t>(1, 1000);
  unsigned parts = *rc::gen::inRange(1u, 20u);
  uint64_t at = first;
  for (unsigned part = 1; part <= parts; ++part) {
    std::string text = std::to_string(part) + "/" + std::to_string(parts);
    cli::SeedRange range = cli::shard_of({first, first + count}, text);
    RC_ASSERT(range.first == at);
    RC_ASSERT(range.end - range.first <= count / parts + 1);
    at = range.end;
  }
  RC_ASSERT(at == first + count);
}

TEST(ArgumentsTest, OptionsOfARunGoByName) {
  EXPECT_EQ(cli::parse_overrides({"points_max=5", "fd_limit=64"}),
            (run::Overrides{{"points_max", 5}, {"fd_limit", 64}}));
  EXPECT_NE(usage_error([] { cli::parse_overrides({"point_max=5"}); }).find("'points_max'"),
            std::string::npos);
  EXPECT_NE(usage_error([] { cli::parse_overrides({"points_max=5", "points_max=6"}); }), "");
  EXPECT_NE(usage_error([] { cli::parse_overrides({"points_max"}); }), "");
}

TEST(StrategyTest, NamesReadAsWhatWasWritten) {
  for (const char* name : {"random", "pct:3", "pct:100:5000", "pos", "active", "surw:12",
                           "surw:7,0,30", "walk", "round-robin", "bytes:", "bytes:c0ffee0719"}) {
    auto spec = run::parse_strategy(name);
    ASSERT_TRUE(std::holds_alternative<run::StrategySpec>(spec)) << name;
    EXPECT_EQ(to_string(std::get<run::StrategySpec>(spec)), name);
  }
  for (const char* bad : {"", "rnd", "pct", "pct:", "pct:0", "pct:101", "pct:3:", "pct:3:0",
                          "pct:3:x", "surw", "surw:", "surw:1,", "surw:x", "pos:1", "bytes",
                          "bytes:c", "bytes:0x10", "bytes:-1", "bytes:c0 1"}) {
    EXPECT_TRUE(std::holds_alternative<std::string>(run::parse_strategy(bad))) << bad;
  }
}

TEST(NearestTest, NamesWhatWasProbablyMeant) {
  EXPECT_EQ(run::nearest("netpol", {"asio", "netpoll", "echo"}), "netpoll");
  EXPECT_EQ(run::did_you_mean("netpol", {"asio", "netpoll"}), ": did you mean 'netpoll'?");
  EXPECT_EQ(run::did_you_mean("xyz", {"asio", "netpoll"}), ": known are asio, netpoll");
}

RC_GTEST_PROP(ResultCodeProperty, AResultReadsAsWhatWasWritten, ()) {
  RunResult result;
  result.verdict = static_cast<Verdict>(*rc::gen::inRange(0, 11));
  result.hash = *rc::gen::arbitrary<uint64_t>();
  result.virtual_ns = *rc::gen::arbitrary<int64_t>();
  result.reason = *rc::gen::string<std::string>();
  result.details = *rc::gen::string<std::string>();
  result.trace = *rc::gen::container<std::vector<std::string>>(rc::gen::string<std::string>());
  result.step_hashes = *rc::gen::arbitrary<std::vector<uint64_t>>();
  std::vector<char> bytes(*rc::gen::inRange<size_t>(256, 20'000));
  size_t size = run::write_result(result, bytes.data(), bytes.size());
  RC_ASSERT(size <= bytes.size());
  RunResult read = run::read_result(bytes.data(), size);
  RC_ASSERT(read.verdict == result.verdict);
  RC_ASSERT(read.hash == result.hash);
  RC_ASSERT(result.details.starts_with(read.details));
  RC_ASSERT(result.trace.size() >= read.trace.size());
  RC_CLASSIFY(read.trace.size() < result.trace.size(), "cut");
  if (bytes.size() > 19'000)
    RC_ASSERT(read.trace == result.trace && read.step_hashes == result.step_hashes);
}

TEST(FailuresDbTest, KeepsEachFailureOnce) {
  char folder[] = "/tmp/pollux-db-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  std::string path = std::string(folder) + "/failures.sqlite";
  EXPECT_TRUE(std::holds_alternative<std::string>(run::FailuresDb::open(path, false)));
  {
    auto opened = run::FailuresDb::open(path, true);
    auto* db = std::get_if<run::FailuresDb>(&opened);
    ASSERT_NE(db, nullptr);
    run::Failure failure;
    failure.suite = "toy";
    failure.reason = "it's \"odd\"";
    failure.token = "pollux1.a";
    EXPECT_EQ(db->add(failure), "");
    EXPECT_EQ(db->add(failure), "");
    failure.token = "pollux1.b";
    EXPECT_EQ(db->add(failure), "");
  }
  auto again = run::FailuresDb::open(path, false);
  ASSERT_TRUE(std::holds_alternative<run::FailuresDb>(again));
  auto failures = std::get<run::FailuresDb>(again).list();
  ASSERT_EQ(failures.size(), 2u);
  EXPECT_EQ(failures[0].reason, "it's \"odd\"");
  EXPECT_EQ(failures[0].at.size(), 20u);
  EXPECT_EQ(failures[1].token, "pollux1.b");
}

TEST(DivergenceTest, NamesTheFirstStepThatDiffers) {
  RunResult a, b;
  a.hash = 1;
  b.hash = 2;
  a.step_hashes = {10, 11, 12};
  b.step_hashes = {10, 11, 13};
  a.trace = {"one", "two", "read = 3"};
  b.trace = {"one", "two", "read = 4", "write = 1"};
  auto divergence = run::first_divergence(a, b);
  ASSERT_TRUE(divergence.has_value());
  EXPECT_EQ(divergence->step, 2u);
  for (const char* part : {"    two", "  1 read = 3", "  2 read = 4", "  2 write = 1"}) {
    EXPECT_NE(divergence->report.find(part), std::string::npos) << divergence->report;
  }
  b = a;
  EXPECT_FALSE(run::first_divergence(a, b).has_value());
}

TEST(DigestTest, DependsOnWhichSeedHadWhichHash) {
  auto pair = [](uint64_t first, uint64_t second) {
    return run::digest_of(0, Verdict::held, first) + run::digest_of(1, Verdict::held, second);
  };
  EXPECT_EQ(pair(5, 6), pair(5, 6));
  EXPECT_NE(pair(5, 6), pair(6, 5));
  EXPECT_NE(run::digest_of(0, Verdict::held, 5), run::digest_of(0, Verdict::deadlock, 5));
}

}  // namespace
}  // namespace pollux

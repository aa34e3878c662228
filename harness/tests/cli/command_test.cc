// SPDX-License-Identifier: MIT
//
// Runs, failures, tokens and replays, as a user sees them.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <thread>

#include "command_line.h"
#include "run/failures_db.h"

namespace pollux::testing {
namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string digest_of(const Ended& ended) {
  std::smatch match;
  EXPECT_TRUE(std::regex_search(ended.out, match, std::regex("digest ([0-9a-f]{16})")))
      << ended.out;
  return match[1];
}

TEST_F(CommandTest, AGoodSuiteHolds) {
  Ended ended = pollux({"run", "toy", "--seeds", "0..500"});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_TRUE(holds(ended.out, "toy: 500 seeds: 500 held")) << ended.out;
  EXPECT_TRUE(holds(ended.out, "armed but never fired"));
  EXPECT_FALSE(std::filesystem::exists("pollux-failures.sqlite"));
}

TEST_F(CommandTest, TheDigestDependsOnSeedsOnly) {
  Ended one = pollux({"run", "toy", "--seeds", "0..300", "--jobs", "1"});
  Ended three = pollux({"run", "toy", "--seeds", "0..300", "--jobs", "3"});
  Ended other = pollux({"run", "toy", "--seeds", "1..301", "--jobs", "3"});
  EXPECT_EQ(digest_of(one), digest_of(three));
  EXPECT_NE(digest_of(one), digest_of(other));
}

TEST_F(CommandTest, HashesAreWrittenInTheOrderOfSeeds) {
  EXPECT_EQ(pollux({"run", "toy", "--seeds", "10..60", "--hashes", "one"}).code, 0);
  EXPECT_EQ(pollux({"run", "toy", "--seeds", "10..60", "--hashes", "two", "--jobs", "1"}).code, 0);
  auto content = [](const char* name) {
    std::ostringstream text;
    text << std::ifstream(name).rdbuf();
    return text.str();
  };
  std::string one = content("one");
  EXPECT_EQ(one, content("two"));
  EXPECT_TRUE(one.starts_with("toy 10 ")) << one;
  EXPECT_EQ(std::count(one.begin(), one.end(), '\n'), 50);
}

// Failure -> token -> the same run a hundred times -> a smaller one -> the same again.
void fail_replay_shrink(const std::string& suite, const std::string& verdict) {
  Ended found = pollux({"run", suite, "--seeds", "0..400"});
  ASSERT_EQ(found.code, 1) << found.out << found.err;
  EXPECT_TRUE(holds(found.out, "\n" + verdict)) << found.out;
  EXPECT_LE(std::count(found.out.begin(), found.out.end(), '\n'), 60);
  std::string token = token_of(found);

  Ended replayed = pollux({"replay", token, "--times", "100"});
  EXPECT_EQ(replayed.code, 1) << replayed.out << replayed.err;
  EXPECT_TRUE(holds(replayed.out, "100 of 100 runs: verdict " + verdict)) << replayed.out;
  EXPECT_EQ(token_of(replayed), token);

  Ended shrunk = pollux({"shrink", token});
  EXPECT_EQ(shrunk.code, 1) << shrunk.out << shrunk.err;
  std::smatch match;
  ASSERT_TRUE(
      std::regex_search(shrunk.out, match, std::regex("deviations to ([0-9]+), .* in ([0-9.]+) s")))
      << shrunk.out;
  EXPECT_LE(std::stoi(match[1]), 6) << shrunk.out;
  EXPECT_TRUE(std::regex_search(shrunk.out, std::regex("workload: [1-9] items from a producer")))
      << shrunk.out;
  EXPECT_TRUE(std::regex_search(shrunk.out, std::regex("t[01]/point#[0-9]+ = (run t[01]|held up)")))
      << shrunk.out;

  // It does not go back to a workload that it has left, until the time is over.
  std::regex moves("(^|\n)workload: ");
  EXPECT_LE(std::distance(std::sregex_iterator(shrunk.err.begin(), shrunk.err.end(), moves), {}), 4)
      << shrunk.err;

  Ended small = pollux({"replay", token_of(shrunk), "--times", "100"});
  EXPECT_TRUE(holds(small.out, "100 of 100 runs: verdict " + verdict)) << small.out;
}

TEST_F(CommandTest, ALostSignalIsADeadlockThatReplaysAndShrinks) {
  fail_replay_shrink("toy-lost", "deadlock");
}

TEST_F(CommandTest, ALostUpdateIsAViolationThatReplaysAndShrinks) {
  fail_replay_shrink("toy-count", "violation");
}

TEST_F(CommandTest, ACrashIsAVerdictThatReplaysAndShrinksAndTheSweepGoesOn) {
  fail_replay_shrink("toy-crash", "crash");
  Ended ended = pollux({"run", "toy-crash", "--seeds", "0..400"});
  EXPECT_TRUE(
      std::regex_search(ended.out, std::regex("toy-crash: 400 seeds: [0-9]+ held, [0-9]+ crash")))
      << ended.out;
  EXPECT_TRUE(holds(ended.out, "SIGABRT: toy: ")) << ended.out;
}

TEST_F(CommandTest, ARunThatNeverComesBackIsKilled) {
  Ended ended = pollux({"run", "toy-stuck", "--seeds", "0..20", "--stuck", "1s"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_TRUE(holds(ended.out, "20 seeds: 19 held, 1 crash")) << ended.out;
  EXPECT_TRUE(holds(ended.out, "crash (stuck) in toy-stuck, seed 3")) << ended.out;
  token_of(ended);
}

TEST_F(CommandTest, ARunThatEatsAllMemoryIsKilled) {
  Ended ended = pollux({"run", "toy-eating", "--seeds", "0..20", "--memory-max", "300"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_TRUE(holds(ended.out, "20 seeds: 19 held, 1 crash")) << ended.out;
  EXPECT_TRUE(holds(ended.out, "crash (memory) in toy-eating, seed 3")) << ended.out;
  EXPECT_TRUE(holds(ended.out, "memory: 300 MiB in use, killed")) << ended.out;
  EXPECT_TRUE(std::regex_search(ended.out, std::regex("at most [3-9][0-9]+ MiB of memory")))
      << ended.out;
}

// It is nobody's fault but the process's, which ends between two runs.
TEST_F(CommandTest, WhatRunsLeaveBehindIsNotTheNextOnes) {
  Ended ended =
      pollux({"run", "toy-hoarding", "--seeds", "0..200", "--audit", "--memory-max", "200"});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_TRUE(holds(ended.out, "200 seeds: 200 held")) << ended.out;
}

TEST_F(CommandTest, AnAuditFindsWhatIsNotDeterministic) {
  Ended ended = pollux({"run", "toy-drifting", "--seeds", "0..10", "--audit"});
  EXPECT_EQ(ended.code, 3) << ended.out;
  EXPECT_TRUE(holds(ended.out, "10 diverged")) << ended.out;
  EXPECT_TRUE(std::regex_search(ended.out, std::regex("first divergent step: [0-9]+")))
      << ended.out;
  Ended replayed = pollux({"replay", token_of(ended)});
  EXPECT_EQ(replayed.code, 3) << replayed.out;
  EXPECT_TRUE(holds(replayed.out, "first divergent step")) << replayed.out;

  Ended good = pollux({"run", "toy", "--seeds", "0..100", "--audit"});
  EXPECT_EQ(good.code, 0) << good.out;
  EXPECT_TRUE(holds(good.out, "100 audited")) << good.out;
}

TEST_F(CommandTest, FailFastStopsAtTheFirstFailure) {
  Ended ended = pollux({"run", "toy-count", "--seeds", "0..1000000", "--fail-fast"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_FALSE(holds(ended.out, "1000000 seeds:"));
}

TEST_F(CommandTest, TimeThatIsUpIsInconclusiveUnlessOnlyTimeWasAskedFor) {
  Ended cut = pollux({"run", "toy", "--seeds", "0..1000000000", "--for", "200ms"});
  EXPECT_EQ(cut.code, 6) << cut.out;
  Ended open = pollux({"run", "toy", "--for", "200ms"});
  EXPECT_EQ(open.code, 0) << open.out;
}

TEST_F(CommandTest, AnEmptyShardRanNothing) {
  EXPECT_EQ(pollux({"run", "toy", "--seeds", "0..2", "--shard", "1/4"}).code, 4);
  EXPECT_EQ(pollux({"run", "toy", "--seeds", "0..2", "--shard", "4/4"}).code, 0);
}

TEST_F(CommandTest, AllLeavesOutWhatHasABugOnPurpose) {
  Ended ended = pollux({"run", "all", "--seeds", "0..50"});
  EXPECT_EQ(ended.code, 0) << ended.out;
  EXPECT_TRUE(holds(ended.out, "toy: 50 seeds")) << ended.out;
  EXPECT_FALSE(holds(ended.out, "toy-lost"));
  Ended list = pollux({"run", "--list"});
  EXPECT_EQ(list.code, 0);
  EXPECT_TRUE(holds(list.out, "toy-lost")) << list.out;
  EXPECT_TRUE(holds(list.out, "(bug planted)"));
}

TEST_F(CommandTest, JsonIsAllThatIsOnStdout) {
  Ended ended = pollux({"run", "toy-count", "--seeds", "0..40", "--json"});
  EXPECT_EQ(ended.code, 1);
  std::istringstream lines(ended.out);
  std::vector<std::string> events;
  std::string token;
  for (std::string line; std::getline(lines, line);) {
    nlohmann::json json = nlohmann::json::parse(line);
    EXPECT_EQ(json.at("v"), 1);
    events.push_back(json.at("event"));
    if (events.back() == "verdict") token = json.at("token");
    if (events.back() == "summary") {
      EXPECT_EQ(json.at("runs"), "40");
      EXPECT_EQ(json.at("exit_code"), 1);
    }
  }
  ASSERT_GE(events.size(), 3u);
  EXPECT_EQ(events.front(), "start");
  EXPECT_EQ(events[1], "verdict");
  EXPECT_EQ(events.back(), "summary");
  EXPECT_EQ(pollux({"replay", token}).code, 1);
}

TEST_F(CommandTest, JunitNamesTheFailingSeeds) {
  pollux({"run", "toy-count", "--seeds", "0..40", "--junit", "result.xml"});
  std::ostringstream xml;
  xml << std::ifstream("result.xml").rdbuf();
  EXPECT_TRUE(holds(xml.str(), "<testsuite name=\"pollux.toy-count\"")) << xml.str();
  EXPECT_TRUE(holds(xml.str(), "<failure type=\"violation\"")) << xml.str();
  EXPECT_TRUE(holds(xml.str(), "pollux replay pollux1.toy-count.")) << xml.str();
}

TEST_F(CommandTest, FailuresAreKeptAndListed) {
  Ended ended = pollux({"run", "toy-count", "--seeds", "0..40", "--db", "kept.sqlite"});
  Ended list = pollux({"seeds", "--db", "kept.sqlite"});
  EXPECT_EQ(list.code, 0) << list.err;
  EXPECT_TRUE(holds(list.out, "pollux replay " + token_of(ended))) << list.out;
  Ended none = pollux({"seeds", "--db", "kept.sqlite", "--suite", "toy"});
  EXPECT_TRUE(holds(none.out, "0 failures")) << none.out;
}

TEST_F(CommandTest, KillingASweepLosesNoFailure) {
  pid_t child = ::fork();
  if (child == 0) {
    int log = ::open("log", O_CREAT | O_WRONLY, 0600);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::execl(POLLUX_TOY, "pollux", "run", "toy-count", "--seeds", "0..100000000", nullptr);
    ::_exit(126);
  }
  // The log has a line per failure (the first ten), written after the failure was kept.
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  size_t lines = 0;
  while (lines < 5 && std::chrono::steady_clock::now() < deadline) {
    std::ifstream log("log");
    lines = 0;
    for (std::string line; std::getline(log, line);) lines += line.starts_with("seed ");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ASSERT_GE(lines, 5u);
  auto opened = run::FailuresDb::open("pollux-failures.sqlite", false);
  ASSERT_TRUE(std::holds_alternative<run::FailuresDb>(opened));
  auto failures = std::get<run::FailuresDb>(opened).list();
  EXPECT_GE(failures.size(), lines);
  EXPECT_EQ(pollux({"replay", failures.front().token}).code, 1);
}

TEST_F(CommandTest, AnInterruptEndsTheSweepWithASummary) {
  pid_t child = ::fork();
  if (child == 0) {
    int log = ::open("log", O_CREAT | O_WRONLY, 0600);
    ::dup2(log, STDOUT_FILENO);
    ::execl(POLLUX_TOY, "pollux", "run", "toy", "--seeds", "0..1000000000", nullptr);
    ::_exit(126);
  }
  while (std::filesystem::exists("log") == false || std::filesystem::file_size("log") == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  std::this_thread::sleep_for(
      std::chrono::milliseconds(200));  // handlers are set by then, or it dies of it
  ::kill(child, SIGINT);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  std::ostringstream log;
  log << std::ifstream("log").rdbuf();
  EXPECT_TRUE(holds(log.str(), "interrupted")) << log.str();
}

TEST_F(CommandTest, ATraceShowsWhoDidWhat) {
  Ended ended = pollux({"trace", "toy-lost", "--seed", "10"});
  EXPECT_TRUE(holds(ended.out, "producer")) << ended.out;
  EXPECT_TRUE(holds(ended.out, "consumer"));
  Ended crash = pollux({"run", "toy-crash", "--seeds", "0..400"});
  Ended traced = pollux({"trace", token_of(crash)});
  EXPECT_EQ(traced.code, 1);
  EXPECT_TRUE(holds(traced.out, "left")) << traced.out;
}

TEST_F(CommandTest, TheBoundsOfARunCanBeSetAndAreInItsToken) {
  Ended ended = pollux({"run", "toy", "--seeds", "39..40", "--set", "points_max=20"});
  EXPECT_EQ(ended.code, 1) << ended.out;
  EXPECT_TRUE(holds(ended.out, "step-limit")) << ended.out;
  Ended replayed = pollux({"replay", token_of(ended), "--times", "3"});
  EXPECT_TRUE(holds(replayed.out, "3 of 3 runs: verdict step-limit")) << replayed.out;
}

TEST_F(CommandTest, PctFindsTheLostSignal) {
  Ended ended = pollux({"run", "toy-lost", "--seeds", "0..2000", "--strategy", "pct:3"});
  EXPECT_EQ(ended.code, 1) << ended.out;
  EXPECT_EQ(pollux({"replay", token_of(ended), "--times", "20"}).code, 1);
}

TEST_F(CommandTest, LostMemoryIsFoundReplayedShrunkAndExplained) {
  EXPECT_EQ(pollux({"run", "toy-leaky", "--seeds", "0..400"}).code, 0);
  Ended ended = pollux({"run", "toy-leaky", "--seeds", "0..400", "--leaks", "--audit"});
  EXPECT_EQ(ended.code, 1) << ended.out;
  EXPECT_TRUE(std::regex_search(
      ended.out, std::regex("toy-leaky: 400 seeds: [0-9]+ held, [0-9]+ leaked-memory\n")))
      << ended.out;
  Ended replayed = pollux({"replay", token_of(ended), "--times", "20"});
  EXPECT_TRUE(holds(replayed.out, "20 of 20 runs: verdict leaked-memory")) << replayed.out;
  Ended shrunk = pollux({"shrink", token_of(ended)});
  EXPECT_TRUE(holds(shrunk.out, " in toy_keep: 4 bytes that ")) << shrunk.out;
  EXPECT_TRUE(holds(shrunk.out, "cause:    toy_subject.cc:")) << shrunk.out;
  Ended explored = pollux({"explore", "toy-leaky", "--preemptions", "1", "--leaks"});
  EXPECT_EQ(explored.code, 1) << explored.out;
  EXPECT_TRUE(holds(explored.out, "leaked-memory")) << explored.out;
}

TEST_F(CommandTest, ToLookForLostMemoryChangesNoRun) {
  auto digest = [](std::vector<std::string> more) {
    more.insert(more.begin(), {"run", "toy", "--seeds", "0..40"});
    const Ended ended = pollux(more);
    return ended.out.substr(ended.out.find("digest"));
  };
  EXPECT_EQ(digest({}), digest({"--leaks"}));
}

}  // namespace
}  // namespace pollux::testing

// SPDX-License-Identifier: MIT
//
// Both backends, fibers and OS threads that take turns, make the same run of the same choices.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>

#include "pollux/shim/raw_system_call.h"
#include "tests/explore/programs.h"
#include "tests/explore/small_twin.h"

namespace pollux::explore_test {
namespace {

constexpr uint64_t kSeeds = 30;

void expect_same(const Result& fibers, const Result& threads) {
  EXPECT_EQ(fibers.verdict, threads.verdict) << fibers.reason << "; " << threads.reason;
  EXPECT_EQ(fibers.reason, threads.reason);
  EXPECT_EQ(fibers.hash, threads.hash);
  EXPECT_EQ(fibers.points, threads.points);
  EXPECT_EQ(fibers.switches, threads.switches);
  EXPECT_EQ(fibers.time, threads.time);
  EXPECT_EQ(fibers.deviations, threads.deviations);
}

Result run_seed(uint64_t seed, void (*body)(), Options options, bool real_threads) {
  options.real_threads = real_threads;
  auto strategy = strategy_for(seed);
  return run(*strategy, body, options);
}

class BackendTest : public testing::TestWithParam<PolluxTestProgram> {};

TEST_P(BackendTest, SameRunOnRealThreads) {
  void (*body)() = GetParam().body;
  run_seed(0, body, {}, false);  // initialises the program's statics
  for (uint64_t seed = 0; seed < kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    const Options options{.plain_points = GetParam().plain_points || seed % 2 != 0,
                          .races = seed % 5 == 0,
                          .weak_memory = seed % 10 == 0};
    expect_same(run_seed(seed, body, options, false), run_seed(seed, body, options, true));
  }
}

INSTANTIATE_TEST_SUITE_P(Programs, BackendTest, testing::ValuesIn(repeatable_programs()),
                         [](const auto& info) { return std::string(info.param.name); });

pid_t real_tid() { return static_cast<pid_t>(shim::raw_system_call(SYS_gettid)); }

TEST(RealThreadsTest, EachThreadHasAnOsThread) {
  for (bool real_threads : {false, true}) {
    std::set<pid_t> tids;
    std::vector<std::function<void()>> bodies(5, [&] {
      const pid_t tid = real_tid();
      sched_yield();
      EXPECT_EQ(real_tid(), tid);
      tids.insert(tid);
    });
    auto strategy = make_random_strategy(1, {}, 1.0);
    EXPECT_EQ(run(*strategy, std::move(bodies), {.real_threads = real_threads}).verdict,
              Verdict::held);
    EXPECT_EQ(tids.size(), real_threads ? 5u : 1u);
    EXPECT_EQ(tids.contains(real_tid()), !real_threads);
  }
}

// The OS threads of a process are not there in its children.
TEST(RealThreadsTest, AForkedChildGetsNewOnes) {
  run_seed(0, pollux_park_protocol, {}, true);
  const uint64_t hash = run_seed(1, pollux_park_protocol, {}, true).hash;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(20);
    const bool same = run_seed(1, pollux_park_protocol, {}, true).hash == hash &&
                      run_seed(1, pollux_park_protocol, {}, false).hash == hash;
    _exit(same ? 7 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

void on_fault(int) { _exit(7); }

// A handler for faults, on an alternate stack, is there for threads that overflow theirs.
void overflow_on_real_threads() {
  static char stack[64 * 1024];
  stack_t alternate = {};
  alternate.ss_sp = stack;
  alternate.ss_size = sizeof stack;
  sigaltstack(&alternate, nullptr);
  struct sigaction action = {};
  action.sa_handler = on_fault;
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGSEGV, &action, nullptr);
  auto strategy = make_random_strategy(1, {}, 1.0);
  auto overflow = [] {
    char* low = static_cast<char*>(__builtin_frame_address(0)) - 4096;
    for (;; low -= 4096) *const_cast<volatile char*>(low) = 1;
  };
  run(*strategy, overflow, {.real_threads = true});
}

TEST(RealThreadsDeathTest, FaultsReachTheirHandler) {
  EXPECT_EXIT(overflow_on_real_threads(), testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace pollux::explore_test

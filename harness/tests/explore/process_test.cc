// SPDX-License-Identifier: MIT
//
// Process mode: the main thread is virtual thread 0 on its own stack, and the run ends with the
// process. Each case is a child process.
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "explore/scheduler.h"
#include "pollux/shim/gate.h"
#include "tests/explore/programs.h"
#include "tests/explore/small_twin.h"
#include "trace/recorder.h"

namespace pollux::explore_test {
namespace {

void report(Verdict verdict, const std::string& reason) {
  std::fprintf(stderr, "%s: %s\n", std::string(to_string(verdict)).c_str(), reason.c_str());
  _exit(42);
}

// As a program's preloaded library does, before main.
void adopt(bool real_threads) {
  static auto strategy = make_random_strategy(3, {}, 1.0);
  run(*strategy, [] {});  // installs the small twin
  static auto main_strategy = make_random_strategy(3, {}, 1.0);
  trace::recorder.begin(false, false);
  explore::adopt_main_thread({.points_max = 1'000'000,
                              .plain_points = false,
                              .time_max = explore::kNever - 1,
                              .real_threads = real_threads},
                             *main_strategy, report);
}

void run_programs(bool real_threads) {
  adopt(real_threads);
  pollux_park_protocol();
  std::thread([] { std::this_thread::sleep_for(std::chrono::hours(1)); }).join();
  bool inside = shim::in_run();
  shim::pollux_gate = 0;
  _exit(inside && explore::timeline().now() >= 3600 * 1'000'000'000LL ? 7 : 1);
}

void deadlock(bool real_threads) {
  adopt(real_threads);
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_mutex_lock(&mutex);
}

void end_first(bool real_threads) {
  adopt(real_threads);
  std::thread([] {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    std::fputs("the last one\n", stderr);
  }).detach();
  pthread_exit(nullptr);
}

class ProcessDeathTest : public testing::TestWithParam<bool> {};

TEST_P(ProcessDeathTest, MainThreadRunsPrograms) {
  EXPECT_EXIT(run_programs(GetParam()), testing::ExitedWithCode(7), "");
}

TEST_P(ProcessDeathTest, ADeadlockEndsTheProcess) {
  EXPECT_EXIT(deadlock(GetParam()), testing::ExitedWithCode(42), "deadlock: main waits for mutex");
}

// pthread_exit(3): the process goes on with the other threads and ends with the last one.
TEST_P(ProcessDeathTest, MainThreadMayEndFirst) {
  EXPECT_EXIT(end_first(GetParam()), testing::ExitedWithCode(0), "the last one");
}

INSTANTIATE_TEST_SUITE_P(Backends, ProcessDeathTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "RealThreads" : "Fibers"; });

}  // namespace
}  // namespace pollux::explore_test

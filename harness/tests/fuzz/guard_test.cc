// SPDX-License-Identifier: MIT
//
// What becomes of runs that do not hold or do not come back, as the fuzzer sees it. Each dies, so
// each is a process of its own.
#include "fuzz/guard.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "pollux/shim/gate.h"

namespace pollux::fuzz {
namespace {

// Eighteen rounds, and both threads give way to each other at each point: updates are lost.
std::vector<uint8_t> lost_updates() {
  std::vector<uint8_t> bytes{1, 1};
  bytes.resize(60, 128);
  return bytes;
}

// Programs that end their process, or never end.
class EndSuite final : public Suite {
 public:
  EndSuite(std::string_view name, void (*body)()) : name_(name), body_(body) {
    register_suite(this);
  }
  std::string_view name() const override { return name_; }
  std::string_view description() const override { return "does not come back"; }
  std::string workload(uint64_t) const override { return "once"; }
  std::string validate(const std::string&) const override { return ""; }
  std::vector<std::string> shrinks(const std::string&) const override { return {}; }
  std::string describe(const std::string&) const override { return "one thread"; }
  void populate(const std::string&, World& world) const override {
    world.add_thread("main", 0, body_);
  }

 private:
  std::string_view name_;
  void (*body_)();
};
const EndSuite exits("end-exits", [] { std::exit(0); });
const EndSuite spins("end-spins", [] {
  for (;;) asm volatile("");
});

void run_suite(const char* suite, const std::vector<uint8_t>& bytes) {
  run_input(make_target(suite, "calm", ""), bytes);
}

// What a fuzzer does at the end, such as writing its input to a file, must be no step of the run.
void exit_outside_of_run() {
  const bool in_run = shim::in_run();
  shim::pollux_gate = 0;
  ::_exit(in_run ? 1 : 77);
}

void alarm_often() {
  ::signal(SIGALRM, [](int) {});
  const itimerval often{{0, 10'000}, {0, 10'000}};
  ::setitimer(ITIMER_REAL, &often, nullptr);
}

class GuardDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(GuardDeathTest, AViolationIsReportedWithATokenAndAborts) {
  EXPECT_EXIT(run_suite("toy-count", lost_updates()), testing::KilledBySignal(SIGABRT),
              "violation [(]count[)] in toy-count, from an input of 60 bytes\n(.*\n)+"
              "pollux replay pollux1[.]toy-count[.].*\n$");
}

TEST_F(GuardDeathTest, ARunThatHoldsComesBack) {
  EXPECT_EXIT((run_suite("toy", lost_updates()), ::_exit(3)), testing::ExitedWithCode(3), "^$");
}

TEST_F(GuardDeathTest, ACrashNamesTheCommandThatMakesAToken) {
  EXPECT_EXIT(run_suite("toy-crash", lost_updates()), testing::KilledBySignal(SIGABRT),
              "makes a token of it:\npollux run toy-crash --seed 257 --profile calm --strategy "
              "bytes:(80)+\n$");
}

TEST_F(GuardDeathTest, TheFuzzersHandlerOfACrashIsNotInTheRun) {
  EXPECT_EXIT((::signal(SIGABRT, [](int) { exit_outside_of_run(); }),
               run_suite("toy-crash", lost_updates())),
              testing::ExitedWithCode(77), "");
}

TEST_F(GuardDeathTest, TheFuzzersExitHandlerIsNotInTheRun) {
  EXPECT_EXIT((std::atexit(exit_outside_of_run), run_suite("end-exits", {})),
              testing::ExitedWithCode(77), "");
}

TEST_F(GuardDeathTest, ARunThatNeverEndsAbortsAtItsSecondAlarm) {
  EXPECT_EXIT((alarm_often(), run_suite("end-spins", {})), testing::KilledBySignal(SIGABRT),
              "the run does not end");
}

TEST_F(GuardDeathTest, ATargetThatDoesNotExistIsAUsageError) {
  EXPECT_EXIT(target_of("toi", "calm", ""), testing::ExitedWithCode(exit_code::kUsage),
              "did you mean 'toy'");
}

}  // namespace
}  // namespace pollux::fuzz

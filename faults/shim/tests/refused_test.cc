// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "fake_backend.h"
#include "pollux/shim/window.h"

namespace pollux::shim {
namespace {

TEST(RefusedTest, ARunStartsNoOtherProgram) {
  FakeBackend backend;
  EXPECT_EQ(in_a_run([] { return system("true"); }), -1);
  EXPECT_EQ(backend.refused, "system");
  EXPECT_EQ(errno, ENOSYS);
  timer_t timer;
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD;
  EXPECT_EQ(in_a_run([&] { return timer_create(CLOCK_MONOTONIC, &event, &timer); }), -1);
  EXPECT_EQ(backend.refused, "timer_create(SIGEV_THREAD)");
}

TEST(RefusedTest, OutsideOfARunTheyAreLibcs) {
  pid_t child = fork();
  if (child == 0) _exit(7);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(WEXITSTATUS(system("exit 5")), 5);
}

TEST(RefusedTest, StdioOnADescriptorOfTheRunIsRefusedAndOnARealOneIsNot) {
  FakeBackend backend;
  EXPECT_EQ(in_a_run([] { return fdopen(kWindowBase, "r"); }), nullptr);
  EXPECT_EQ(backend.refused, "fdopen");
  EXPECT_EQ(in_a_run([] { return dprintf(kWindowBase + 1, "%d", 1); }), -1);
  EXPECT_EQ(backend.refused, "dprintf");
  backend.refused.clear();

  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_LT(ends[1], kWindowBase);
  EXPECT_EQ(in_a_run([&] { return dprintf(ends[1], "%d", 1234); }), 4);
  char text[8] = {};
  EXPECT_EQ(read(ends[0], text, sizeof text), 4);
  EXPECT_STREQ(text, "1234");
  EXPECT_EQ(backend.refused, "");
  close(ends[0]);
  close(ends[1]);
}

// A real thread of the process, while this one carries a run.
void touch_from_a_foreign_thread(int fd) {
  pollux_run_carrier = gettid();
  std::thread([fd] {
    char byte;
    (void)!read(fd, &byte, 1);
  }).join();
  pollux_run_carrier = 0;
}

TEST(RefusedDeathTest, AForeignThreadMayNotTouchTheRunsDescriptors) {
  EXPECT_DEATH(touch_from_a_foreign_thread(kWindowBase + 6),
               "a thread that is not part of the run called read on the run's descriptor 70");
}

TEST(RefusedTest, AForeignThreadMayUseItsOwn) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  touch_from_a_foreign_thread(ends[0]);
  close(ends[0]);
  close(ends[1]);
}

TEST(RefusedTest, TheHarnessItselfIsNotForeign) {
  pollux_run_carrier = gettid();
  char byte;
  EXPECT_EQ(read(kWindowBase + 6, &byte, 1), -1);
  EXPECT_EQ(errno, EBADF);
  pollux_run_carrier = 0;
}

}  // namespace
}  // namespace pollux::shim

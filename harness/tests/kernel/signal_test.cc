// SPDX-License-Identifier: MIT
//
// What a run chooses about signals, how it ends by one, and what of it the real process sees.
#include <signal.h>
#include <sys/time.h>

#include <set>
#include <thread>

#include "run_support.h"

namespace pollux::testing {
namespace {

volatile sig_atomic_t came;
pthread_t taker;

void on_signal(int) {
  came = came + 1;
  taker = pthread_self();
}

void handle(int signal) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  EXPECT_EQ(sigaction(signal, &action, nullptr), 0);
}

sigset_t set_of(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  return set;
}

RunResult run_seed(uint64_t seed, std::function<void()> body) {
  std::unique_ptr<Strategy> strategy = make_random_strategy(seed, {}, 0.0);
  return run_with(*strategy, {}, {{0, std::move(body)}});
}

TEST(SignalTest, WhatKillsIsNamed) {
  RunResult result = run_boring([] { kill(getpid(), SIGTERM); });
  EXPECT_EQ(result.verdict, Verdict::crash);
  EXPECT_EQ(result.reason, "killed by SIGTERM: the program sent it");

  result = run_boring([] {
    alarm(2);
    pause();
  });
  EXPECT_EQ(result.verdict, Verdict::crash);
  EXPECT_EQ(result.reason, "killed by SIGALRM: its timer ran out");
  EXPECT_GE(result.virtual_ns, 2'000'000'000);

  sighandler_t before = signal(SIGPIPE, SIG_DFL);
  result = run_boring([] {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    close(ends[0]);
    (void)!write(ends[1], "x", 1);
  });
  signal(SIGPIPE, before);
  EXPECT_EQ(result.verdict, Verdict::crash);
  EXPECT_EQ(result.reason.rfind("killed by SIGPIPE: write to pipe", 0), 0u) << result.reason;

  EXPECT_EQ(run_boring([] { raise(SIGTSTP); }).verdict, Verdict::unmodelled);
  EXPECT_EQ(run_boring([] { kill(-1, SIGTERM); }).verdict, Verdict::unmodelled);
}

TEST(SignalTest, BesideTheProgramThereIsOnlyInit) {
  RunResult result = run_boring([] {
    EXPECT_EQ(kill(1, SIGTERM), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(kill(getpid() + 1, SIGTERM), -1);
    EXPECT_EQ(errno, ESRCH);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
}

// The old race: the flag is looked at, the signal comes, and only then does the program wait.
void wait_for_flag() {
  came = 0;
  handle(SIGUSR1);
  int set = epoll_create1(0);
  std::thread sender([] {
    sigset_t blocked = set_of(SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
    kill(getpid(), SIGUSR1);
  });
  epoll_event event;
  while (came == 0) EXPECT_EQ(epoll_wait(set, &event, 1, -1), -1);
  sender.join();
  close(set);
}

// The same with the mask changed by the wait itself.
void wait_for_flag_atomically() {
  came = 0;
  handle(SIGUSR1);
  sigset_t blocked = set_of(SIGUSR1), before;
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  int set = epoll_create1(0);
  std::thread sender([] { kill(getpid(), SIGUSR1); });
  epoll_event event;
  while (came == 0) EXPECT_EQ(epoll_pwait(set, &event, 1, -1, &before), -1);
  sender.join();
  close(set);
}

TEST(SignalTest, ALostSignalIsFoundAndAnAtomicWaitIsNot) {
  unsigned lost = 0;
  for (uint64_t seed = 0; seed < 300; seed++) {
    RunResult result = run_seed(seed, wait_for_flag);
    if (result.verdict == Verdict::held) continue;
    EXPECT_EQ(result.verdict, Verdict::deadlock) << result.reason;
    lost++;
    result = run_seed(seed, wait_for_flag_atomically);
    EXPECT_EQ(result.verdict, Verdict::held) << "seed " << seed << ": " << result.reason;
  }
  EXPECT_GT(lost, 0u);
  for (uint64_t seed = 0; seed < 300; seed++) {
    RunResult result = run_seed(seed, wait_for_flag_atomically);
    EXPECT_EQ(result.verdict, Verdict::held) << "seed " << seed << ": " << result.reason;
  }
}

TEST(SignalTest, AnyThreadThatDoesNotBlockItMayTakeIt) {
  std::set<int> takers;
  for (uint64_t seed = 0; seed < 100; seed++) {
    int who = -1;
    RunResult result = run_seed(seed, [&] {
      came = 0;
      handle(SIGUSR1);
      sigset_t blocked = set_of(SIGUSR1);
      pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
      std::vector<std::thread> threads;
      for (int i = 0; i < 3; i++) {
        threads.emplace_back([&blocked] {
          pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
          usleep(20'000);
        });
      }
      usleep(10'000);
      kill(getpid(), SIGUSR1);
      usleep(5'000);
      EXPECT_EQ(came, 1);
      for (int i = 0; i < 3; i++) {
        if (pthread_equal(taker, threads[i].native_handle()) != 0) who = i;
      }
      for (std::thread& thread : threads) thread.join();
    });
    EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
    takers.insert(who);
  }
  EXPECT_EQ(takers, (std::set<int>{0, 1, 2}));
}

TEST(SignalTest, ARunIsTheSameEachTime) {
  for (uint64_t seed = 0; seed < 30; seed++) {
    EXPECT_EQ(run_seed(seed, wait_for_flag).hash, run_seed(seed, wait_for_flag).hash);
  }
}

TEST(SignalTest, TheRealProcessIsAsItWas) {
  struct sigaction before[2], after[2];
  sigset_t mask_before, mask_after;
  sigaction(SIGUSR1, nullptr, &before[0]);
  sigaction(SIGSEGV, nullptr, &before[1]);
  sigprocmask(SIG_BLOCK, nullptr, &mask_before);
  RunResult result = run_boring([] {
    handle(SIGUSR1);
    handle(SIGSEGV);
    sigset_t blocked = set_of(SIGUSR2);
    sigprocmask(SIG_BLOCK, &blocked, nullptr);
    raise(SIGUSR2);
    itimerval soon{{0, 1000}, {0, 1000}};
    setitimer(ITIMER_REAL, &soon, nullptr);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  sigaction(SIGUSR1, nullptr, &after[0]);
  sigaction(SIGSEGV, nullptr, &after[1]);
  sigprocmask(SIG_BLOCK, nullptr, &mask_after);
  EXPECT_EQ(before[0].sa_handler, after[0].sa_handler);
  EXPECT_EQ(before[1].sa_handler, after[1].sa_handler);
  EXPECT_EQ(sigismember(&mask_before, SIGUSR2), sigismember(&mask_after, SIGUSR2));
  itimerval timer;
  getitimer(ITIMER_REAL, &timer);
  EXPECT_EQ(timer.it_value.tv_usec, 0);
  // The next run begins without what this one left behind.
  result = run_boring([] {
    sigset_t pending;
    sigpending(&pending);
    EXPECT_EQ(sigismember(&pending, SIGUSR2), 0);
    usleep(5000);
    struct sigaction action;
    sigaction(SIGUSR1, nullptr, &action);
    EXPECT_EQ(action.sa_handler, SIG_DFL);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
}

}  // namespace
}  // namespace pollux::testing

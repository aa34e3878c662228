// SPDX-License-Identifier: MIT
//
// Sending, handling and blocking signals. sigaction(2), sigprocmask(2), kill(2), signal(7).
#include "signal_toolbox.h"

// The old calls are facts as well.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace conformance {
namespace {

CONFORMANCE(Signal, IsHandledBeforeTheSenderGoesOn) {
  Handler handler(SIGUSR1);
  FACT(kill(getpid(), SIGUSR1), Succeeds(0));
  FACT(caught.count, Succeeds(1));
  FACT(raise(SIGUSR1), Succeeds(0));
  FACT(caught.count, Succeeds(2));
  FACT(pthread_kill(pthread_self(), SIGUSR1), Succeeds(0));
  FACT(caught.count, Succeeds(3));
  FACT(tgkill(getpid(), gettid(), SIGUSR1), Succeeds(0));
  FACT(caught.count, Succeeds(4));
  FACT(caught.order[0] == SIGUSR1, Holds());
}

CONFORMANCE(Signal, NothingIsSentAsZero) {
  Handler handler(SIGUSR1);
  FACT(kill(getpid(), 0), Succeeds(0));
  FACT(pthread_kill(pthread_self(), 0), Succeeds(0));
  FACT(tgkill(getpid(), gettid(), 0), Succeeds(0));
  FACT(caught.count, Succeeds(0));
}

CONFORMANCE(Signal, BadNumbers) {
  struct sigaction action {};
  FACT(kill(getpid(), 65), FailsWith(EINVAL));
  FACT(kill(getpid(), -1), FailsWith(EINVAL));
  FACT(raise(65), FailsWith(EINVAL));
  FACT(ErrorCode{pthread_kill(pthread_self(), 65)}, Error(EINVAL));
  FACT(tgkill(getpid(), -1, SIGUSR1), FailsWith(EINVAL));
  FACT(tgkill(getpid(), 1, SIGUSR1), FailsWith(ESRCH));
  FACT(sigaction(0, &action, nullptr), FailsWith(EINVAL));
  FACT(sigaction(65, nullptr, &action), FailsWith(EINVAL));
  FACT(sigaction(SIGKILL, &action, nullptr), FailsWith(EINVAL));
  FACT(sigaction(SIGSTOP, &action, nullptr), FailsWith(EINVAL));
  FACT(sigaction(SIGKILL, nullptr, &action), Succeeds(0));
  FACT(sigaction(32, nullptr, &action), FailsWith(EINVAL));
  sigset_t set = set_of({});
  FACT(sigprocmask(17, &set, nullptr), FailsWith(EINVAL));
  FACT(sigprocmask(17, nullptr, &set), Succeeds(0));
}

void first_handler(int) {}
void second_handler(int) {}

CONFORMANCE(Signal, ActionsAreGivenBack) {
  struct sigaction action {
  }, before{}, found{};
  action.sa_handler = first_handler;
  action.sa_flags = SA_RESTART | SA_NODEFER;
  action.sa_mask = set_of({SIGUSR2, SIGKILL});
  FACT(sigaction(SIGUSR1, &action, &before), Succeeds(0));
  FACT(before.sa_handler == SIG_DFL, Holds());
  FACT(sigaction(SIGUSR1, nullptr, &found), Succeeds(0));
  FACT(found.sa_handler == first_handler, Holds());
  FACT((found.sa_flags & (SA_RESTART | SA_NODEFER | SA_SIGINFO)) == (SA_RESTART | SA_NODEFER),
       Holds());
  FACT(sigismember(&found.sa_mask, SIGUSR2), Succeeds(1));
  FACT(sigismember(&found.sa_mask, SIGUSR1), Succeeds(0));
  FACT(sigismember(&found.sa_mask, SIGKILL), Succeeds(0));
  FACT(sigaction(SIGUSR1, &before, nullptr), Succeeds(0));
}

CONFORMANCE(Signal, TheOldFunction) {
  FACT(signal(SIGUSR1, first_handler) == SIG_DFL, Holds());
  struct sigaction found {};
  FACT(sigaction(SIGUSR1, nullptr, &found), Succeeds(0));
  FACT((found.sa_flags & SA_RESTART) != 0, Holds());
  FACT(siginterrupt(SIGUSR1, 1), Succeeds(0));
  FACT(sigaction(SIGUSR1, nullptr, &found), Succeeds(0));
  FACT((found.sa_flags & SA_RESTART) == 0, Holds());
  FACT(signal(SIGUSR1, second_handler) == first_handler, Holds());
  FACT(sigaction(SIGUSR1, nullptr, &found), Succeeds(0));
  FACT((found.sa_flags & SA_RESTART) == 0, Holds());
  FACT(siginterrupt(SIGUSR1, 0), Succeeds(0));
  FACT(signal(SIGUSR1, SIG_IGN) == second_handler, Holds());
  FACT(raise(SIGUSR1), Succeeds(0));
  FACT(signal(SIGUSR1, SIG_DFL) == SIG_IGN, Holds());
  FACT(signal(SIGKILL, SIG_IGN) == SIG_ERR, Holds());
}

CONFORMANCE(Signal, TheSystemVFunction) {
  FACT(sysv_signal(SIGUSR1, first_handler) == SIG_DFL, Holds());
  FACT(raise(SIGUSR1), Succeeds(0));
  FACT(signal(SIGUSR1, SIG_DFL) == SIG_DFL, Holds());
}

CONFORMANCE(Signal, WhatIsBlockedWaits) {
  Handler handler(SIGUSR1);
  {
    Blocked blocked{SIGUSR1};
    FACT(is_blocked(SIGUSR1), Holds());
    FACT(raise(SIGUSR1), Succeeds(0));
    FACT(raise(SIGUSR1), Succeeds(0));
    FACT(caught.count, Succeeds(0));
    FACT(is_pending(SIGUSR1), Holds());
    sigset_t set = set_of({SIGUSR1});
    FACT(sigprocmask(SIG_UNBLOCK, &set, nullptr), Succeeds(0));
    FACT(caught.count, Succeeds(1));  // standard signals do not queue
    FACT(!is_pending(SIGUSR1), Holds());
  }
  FACT(!is_blocked(SIGUSR1), Holds());
}

CONFORMANCE(Signal, RealTimeSignalsQueueInOrder) {
  Handler handler(SIGRTMIN, SA_SIGINFO), other(SIGRTMIN + 1, SA_SIGINFO, {SIGRTMIN});
  Blocked blocked{SIGRTMIN, SIGRTMIN + 1};
  sigval value{};
  for (int i = 1; i <= 3; i++) {
    value.sival_int = i;
    FACT(sigqueue(getpid(), SIGRTMIN, value), Succeeds(0));
  }
  sigset_t set = set_of({SIGRTMIN});
  siginfo_t info{};
  FACT(sigwaitinfo(&set, &info), Succeeds(SIGRTMIN));
  FACT(info.si_value.sival_int, Succeeds(1));
  FACT(info.si_code == SI_QUEUE, Holds());
  FACT(info.si_pid == getpid(), Holds());
  FACT(is_pending(SIGRTMIN), Holds());
  FACT(sigprocmask(SIG_UNBLOCK, &set, nullptr), Succeeds(0));
  FACT(caught.count, Succeeds(2));
  FACT(!is_pending(SIGRTMIN), Holds());
}

CONFORMANCE(Signal, AHandlersOwnSignalIsBlockedInIt) {
  Handler handler(SIGUSR1, 0, {SIGUSR2}), other(SIGUSR2);
  raise_in_handler = SIGUSR1;
  FACT(raise(SIGUSR1), Succeeds(0));
  FACT(caught.count, Succeeds(2));
  FACT(caught.deepest, Succeeds(1));
  FACT(sigismember(&caught.during, SIGUSR1), Succeeds(1));
  FACT(sigismember(&caught.during, SIGUSR2), Succeeds(1));
  FACT(!is_blocked(SIGUSR1) && !is_blocked(SIGUSR2), Holds());
}

CONFORMANCE(Signal, UnlessItDefersNothing) {
  Handler handler(SIGUSR1, SA_NODEFER);
  raise_in_handler = SIGUSR1;
  FACT(raise(SIGUSR1), Succeeds(0));
  FACT(caught.count, Succeeds(2));
  FACT(caught.deepest, Succeeds(2));
  FACT(sigismember(&caught.during, SIGUSR1), Succeeds(0));
}

CONFORMANCE(Signal, AHandlerForOnce) {
  Handler handler(SIGUSR1, static_cast<int>(SA_RESETHAND));
  FACT(raise(SIGUSR1), Succeeds(0));
  FACT(caught.count, Succeeds(1));
  struct sigaction found {};
  FACT(sigaction(SIGUSR1, nullptr, &found), Succeeds(0));
  FACT(found.sa_handler == SIG_DFL, Holds());
}

CONFORMANCE(Signal, WhoSentIt) {
  Handler handler(SIGUSR1, SA_SIGINFO);
  FACT(kill(getpid(), SIGUSR1), Succeeds(0));
  FACT(caught.info.si_signo == SIGUSR1, Holds());
  FACT(caught.info.si_code == SI_USER, Holds());
  FACT(caught.info.si_pid == getpid(), Holds());
  FACT(caught.info.si_uid == getuid(), Holds());
  FACT(tgkill(getpid(), gettid(), SIGUSR1), Succeeds(0));
  FACT(caught.info.si_code == SI_TKILL, Holds());
  sigval value{};
  value.sival_int = 77;
  FACT(sigqueue(getpid(), SIGUSR1, value), Succeeds(0));
  FACT(caught.info.si_code == SI_QUEUE, Holds());
  FACT(caught.info.si_value.sival_int, Succeeds(77));
}

// The frame that is made last is the first to run.
CONFORMANCE(Signal, TwoAtOnce) {
  Handler first(SIGUSR1), second(SIGUSR2);
  {
    Blocked blocked{SIGUSR1, SIGUSR2};
    raise(SIGUSR2);
    raise(SIGUSR1);
  }
  FACT(caught.count, Succeeds(2));
  FACT(caught.order[0] == SIGUSR2 && caught.order[1] == SIGUSR1, Holds());
}

CONFORMANCE(Signal, TwoAtOnceUnlessOneBlocksTheOther) {
  Handler first(SIGUSR1, 0, {SIGUSR2}), second(SIGUSR2);
  {
    Blocked blocked{SIGUSR1, SIGUSR2};
    raise(SIGUSR2);
    raise(SIGUSR1);
  }
  FACT(caught.count, Succeeds(2));
  FACT(caught.order[0] == SIGUSR1 && caught.order[1] == SIGUSR2, Holds());
}

CONFORMANCE(Signal, IgnoringForgetsWhatIsPending) {
  Handler handler(SIGUSR1);
  Blocked blocked{SIGUSR1};
  raise(SIGUSR1);
  FACT(is_pending(SIGUSR1), Holds());
  FACT(signal(SIGUSR1, SIG_IGN) != SIG_ERR, Holds());
  FACT(!is_pending(SIGUSR1), Holds());
}

CONFORMANCE(Signal, WhatIsIgnoredByDefault) {
  for (int signal : {SIGCHLD, SIGURG, SIGWINCH, SIGCONT}) {
    FACT(raise(signal), Succeeds(0));
    FACT(!is_pending(signal), Holds());
  }
  Blocked blocked{SIGURG};  // what is blocked is kept: the action may change until it is taken
  FACT(raise(SIGURG), Succeeds(0));
  FACT(is_pending(SIGURG), Holds());
  FACT(take_pending(SIGURG), Succeeds(SIGURG));
}

CONFORMANCE(Signal, TheUnblockableStaysUnblocked) {
  Blocked blocked{SIGKILL, SIGSTOP, SIGUSR1};
  FACT(!is_blocked(SIGKILL) && !is_blocked(SIGSTOP) && is_blocked(SIGUSR1), Holds());
}

CONFORMANCE(Signal, OneAtATimeByTheOldCalls) {
  FACT(sighold(SIGUSR1), Succeeds(0));
  FACT(is_blocked(SIGUSR1), Holds());
  FACT(sigrelse(SIGUSR1), Succeeds(0));
  FACT(!is_blocked(SIGUSR1), Holds());
}

CONFORMANCE(Signal, AThreadInheritsTheMask) {
  Blocked blocked{SIGUSR1};
  bool inherited = false, own = false, sees_ours = true;
  raise(SIGUSR1);  // for this thread
  std::thread([&] {
    inherited = is_blocked(SIGUSR1);
    sees_ours = is_pending(SIGUSR1);
    sigset_t set = set_of({SIGUSR2});
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    own = is_blocked(SIGUSR2);
  }).join();
  FACT(inherited, Holds());
  FACT(own, Holds());
  FACT(!sees_ours, Holds());
  FACT(!is_blocked(SIGUSR2), Holds());
  FACT(take_pending(SIGUSR1), Succeeds(SIGUSR1));
}

CONFORMANCE(Signal, ForTheProcessIsForWhoeverDoesNotBlockIt) {
  Handler handler(SIGUSR1);
  pthread_t who{};
  std::thread other([&] {
    who = pthread_self();
    sleep_ms(40);
  });
  sleep_ms(10);
  {
    Blocked blocked{SIGUSR1};
    FACT(kill(getpid(), SIGUSR1), Succeeds(0));
    sleep_ms(10);
    FACT(caught.count, Succeeds(1));
    FACT(!is_pending(SIGUSR1), Holds());
  }
  FACT(pthread_equal(caught.thread, who) != 0, Holds());
  other.join();
}

CONFORMANCE(Signal, ForTheProcessWaitsForSomebodyToUnblockIt) {
  Handler handler(SIGUSR1);
  Blocked blocked{SIGUSR1};
  bool seen = false;
  FACT(kill(getpid(), SIGUSR1), Succeeds(0));
  std::thread([&] {
    seen = is_pending(SIGUSR1);
    sigset_t set = set_of({SIGUSR1});
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  }).join();
  FACT(seen, Holds());
  FACT(caught.count, Succeeds(1));
  FACT(!is_pending(SIGUSR1), Holds());
}

CONFORMANCE(Signal, AnEndedThreadLeavesTheProcessesSignals) {
  Handler handler(SIGUSR1);
  {
    Blocked blocked{SIGUSR1};
    std::thread([] { kill(getpid(), SIGUSR1); }).join();
    FACT(is_pending(SIGUSR1), Holds());
    FACT(caught.count, Succeeds(0));
  }
  FACT(caught.count, Succeeds(1));
}

}  // namespace
}  // namespace conformance

// SPDX-License-Identifier: MIT
//
// Signals: sending, handling, blocking, waiting for them, and the timer that sends one.
//
// Outside of a run actions are libc's to set: the kernel wants to be told how to return from a
// handler, and libc knows.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

#include "shim/entry.h"

using namespace pollux::shim;

static constexpr long kSetBytes = _NSIG / 8;

// libc keeps the first two real-time signals to itself.
static bool is_libcs(int signal) { return signal == 32 || signal == 33; }

// --- Sending

POLLUX_ENTRY int kill(pid_t pid, int signal) noexcept {
  return result(call(SYS_kill, pid, signal));
}

POLLUX_ENTRY int killpg(pid_t group, int signal) noexcept {
  return result(group < 0 ? -EINVAL : call(SYS_kill, -group, signal));
}

POLLUX_ENTRY int tgkill(pid_t process, pid_t thread, int signal) {
  return result(call(SYS_tgkill, process, thread, signal));
}

POLLUX_ENTRY int raise(int signal) noexcept {
  long process = call(SYS_getpid), thread = call(SYS_gettid);
  return result(is_libcs(signal) ? -EINVAL : call(SYS_tgkill, process, thread, signal));
}
POLLUX_ENTRY int gsignal(int) noexcept __attribute__((alias("raise")));

POLLUX_ENTRY int sigqueue(pid_t pid, int signal, const sigval value) noexcept {
  siginfo_t info;
  std::memset(&info, 0, sizeof info);
  info.si_signo = signal;
  info.si_code = SI_QUEUE;
  info.si_pid = static_cast<pid_t>(call(SYS_getpid));
  info.si_uid = static_cast<uid_t>(call(SYS_getuid));
  info.si_value = value;
  return result(call(SYS_rt_sigqueueinfo, pid, signal, &info));
}

// --- Actions

namespace {

struct KernelAction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)();
  unsigned long mask;
};

long set_action(int signal, const struct sigaction* wanted, struct sigaction* old) {
  if (is_libcs(signal)) return -EINVAL;
  KernelAction set = {}, before = {};
  if (wanted != nullptr) {
    set.handler = wanted->sa_handler;
    set.flags = static_cast<unsigned>(wanted->sa_flags);
    std::memcpy(&set.mask, &wanted->sa_mask, sizeof set.mask);
  }
  long value = call(SYS_rt_sigaction, signal, wanted != nullptr ? &set : nullptr,
                    old != nullptr ? &before : nullptr, kSetBytes);
  if (value == 0 && old != nullptr) {
    std::memset(old, 0, sizeof *old);
    old->sa_handler = before.handler;
    old->sa_flags = static_cast<int>(before.flags);
    std::memcpy(&old->sa_mask, &before.mask, sizeof before.mask);
  }
  return value;
}

// Signals whose handlers signal(3) installs without SA_RESTART, since siginterrupt(3) said so.
unsigned long interrupting;

unsigned long bit_of(int signal) { return signal > 0 && signal < _NSIG ? 1ul << (signal - 1) : 0; }

sighandler_t handle(int signal, sighandler_t handler, int flags, bool block) {
  struct sigaction action = {}, before;
  action.sa_handler = handler;
  action.sa_flags = flags;
  if (block) sigaddset(&action.sa_mask, signal);
  if (sigaction(signal, &action, &before) != 0) return SIG_ERR;
  return before.sa_handler;
}

}  // namespace

POLLUX_ENTRY int sigaction(int signal, const struct sigaction* wanted,
                           struct sigaction* old) noexcept {
  if (in_run()) return result(set_action(signal, wanted, old));
  static int (*cell)(int, const struct sigaction*, struct sigaction*);
  auto* real = next(cell, "sigaction");
  if (real != nullptr) return real(signal, wanted, old);
  errno = ENOSYS;
  return -1;
}
POLLUX_ENTRY int __sigaction(int signal, const struct sigaction* wanted,
                             struct sigaction* old) noexcept {
  return sigaction(signal, wanted, old);
}

POLLUX_ENTRY sighandler_t signal(int signal, sighandler_t handler) noexcept {
  int restart = (interrupting & bit_of(signal)) != 0 ? 0 : SA_RESTART;
  return handle(signal, handler, restart, true);
}
POLLUX_ENTRY sighandler_t bsd_signal(int, sighandler_t) noexcept __attribute__((alias("signal")));
POLLUX_ENTRY sighandler_t ssignal(int, sighandler_t) noexcept __attribute__((alias("signal")));

POLLUX_ENTRY sighandler_t __sysv_signal(int signal, sighandler_t handler) noexcept {
  return handle(signal, handler, static_cast<int>(SA_RESETHAND) | SA_NODEFER, false);
}
POLLUX_ENTRY sighandler_t sysv_signal(int, sighandler_t) noexcept
    __attribute__((alias("__sysv_signal")));

POLLUX_ENTRY int siginterrupt(int signal, int interrupts) noexcept {
  struct sigaction action;
  if (sigaction(signal, nullptr, &action) != 0) return -1;
  if (interrupts != 0) {
    interrupting |= bit_of(signal);
    action.sa_flags &= ~SA_RESTART;
  } else {
    interrupting &= ~bit_of(signal);
    action.sa_flags |= SA_RESTART;
  }
  return sigaction(signal, &action, nullptr);
}

POLLUX_ENTRY int sigignore(int signal) noexcept {
  struct sigaction action = {};
  action.sa_handler = SIG_IGN;
  return sigaction(signal, &action, nullptr);
}

// --- Masks

static long change_mask(int how, const sigset_t* set, sigset_t* old) {
  unsigned long wanted = 0;
  if (set != nullptr) {
    std::memcpy(&wanted, set, sizeof wanted);
    if (how != SIG_UNBLOCK) wanted &= ~(bit_of(32) | bit_of(33));
  }
  if (old != nullptr) std::memset(old, 0, sizeof *old);
  return call(SYS_rt_sigprocmask, how, set != nullptr ? &wanted : nullptr, old, kSetBytes);
}

POLLUX_ENTRY int sigprocmask(int how, const sigset_t* set, sigset_t* old) noexcept {
  return result(change_mask(how, set, old));
}

// Returns the error itself.
POLLUX_ENTRY int pthread_sigmask(int how, const sigset_t* set, sigset_t* old) noexcept {
  return static_cast<int>(-change_mask(how, set, old));
}

static int change_one(int how, int signal) {
  sigset_t set;
  sigemptyset(&set);
  return sigaddset(&set, signal) != 0 ? -1 : sigprocmask(how, &set, nullptr);
}

POLLUX_ENTRY int sighold(int signal) noexcept { return change_one(SIG_BLOCK, signal); }
POLLUX_ENTRY int sigrelse(int signal) noexcept { return change_one(SIG_UNBLOCK, signal); }

POLLUX_ENTRY int sigpending(sigset_t* set) noexcept {
  std::memset(set, 0, sizeof *set);
  return result(call(SYS_rt_sigpending, set, kSetBytes));
}

// --- Waiting

POLLUX_ENTRY int sigsuspend(const sigset_t* mask) {
  return result(call(SYS_rt_sigsuspend, mask, kSetBytes));
}
POLLUX_ENTRY int __sigsuspend(const sigset_t* mask) { return sigsuspend(mask); }

POLLUX_ENTRY int pause() {
#ifdef SYS_pause
  return result(call(SYS_pause));
#else
  return result(call(SYS_ppoll, nullptr, 0, nullptr, nullptr, 0));
#endif
}

POLLUX_ENTRY int sigtimedwait(const sigset_t* set, siginfo_t* info, const timespec* timeout) {
  siginfo_t taken;
  long value = call(SYS_rt_sigtimedwait, set, &taken, timeout, kSetBytes);
  if (value > 0 && info != nullptr) {
    *info = taken;
    if (info->si_code == SI_TKILL) info->si_code = SI_USER;  // as libc has it
  }
  return result(value);
}

POLLUX_ENTRY int sigwaitinfo(const sigset_t* set, siginfo_t* info) {
  return sigtimedwait(set, info, nullptr);
}

// Not ended by other signals' handlers (sigwait(3) has no EINTR).
POLLUX_ENTRY int sigwait(const sigset_t* set, int* signal) {
  long value;
  do {
    value = call(SYS_rt_sigtimedwait, set, nullptr, nullptr, kSetBytes);
  } while (value == -EINTR);
  if (value < 0) return static_cast<int>(-value);
  *signal = static_cast<int>(value);
  return 0;
}

// --- Timers

POLLUX_ENTRY int setitimer(__itimer_which_t which, const itimerval* wanted,
                           itimerval* old) noexcept {
  return result(call(SYS_setitimer, static_cast<int>(which), wanted, old));
}

POLLUX_ENTRY int getitimer(__itimer_which_t which, itimerval* value) noexcept {
  return result(call(SYS_getitimer, static_cast<int>(which), value));
}

POLLUX_ENTRY unsigned alarm(unsigned seconds) noexcept {
  itimerval wanted = {}, old = {};
  wanted.it_value.tv_sec = seconds;
  if (setitimer(ITIMER_REAL, &wanted, &old) != 0) return 0;
  // What was left, to the nearest second, but never 0 for a timer that ran.
  auto left = static_cast<unsigned>(old.it_value.tv_sec);
  bool up = old.it_value.tv_usec >= 500'000 || (left == 0 && old.it_value.tv_usec > 0);
  return up ? left + 1 : left;
}

POLLUX_ENTRY useconds_t ualarm(useconds_t value, useconds_t interval) noexcept {
  itimerval wanted = {}, old = {};
  wanted.it_value.tv_usec = value;
  wanted.it_interval.tv_usec = interval;
  if (setitimer(ITIMER_REAL, &wanted, &old) != 0) return static_cast<useconds_t>(-1);
  return static_cast<useconds_t>(old.it_value.tv_sec * 1'000'000 + old.it_value.tv_usec);
}

// A timer_t is the kernel's number, as libc has it, too. With SIGEV_THREAD libc makes a thread that
// waits for signals of its own.

POLLUX_ENTRY int timer_create(clockid_t clock, sigevent* event, timer_t* timer) noexcept {
  if (!in_run()) return POLLUX_NEXT(timer_create)(clock, event, timer);
  if (event != nullptr && event->sigev_notify == SIGEV_THREAD) {
    unmodelled("timer_create(SIGEV_THREAD)");
    errno = ENOSYS;
    return -1;
  }
  int number = 0;
  const int made = result(call(SYS_timer_create, clock, event, &number));
  if (made == 0) *timer = reinterpret_cast<timer_t>(static_cast<intptr_t>(number));
  return made;
}

static int number_of(timer_t timer) { return static_cast<int>(reinterpret_cast<intptr_t>(timer)); }

POLLUX_ENTRY int timer_settime(timer_t timer, int flags, const itimerspec* wanted,
                               itimerspec* old) noexcept {
  if (!in_run()) return POLLUX_NEXT(timer_settime)(timer, flags, wanted, old);
  return result(call(SYS_timer_settime, number_of(timer), flags, wanted, old));
}

POLLUX_ENTRY int timer_gettime(timer_t timer, itimerspec* value) noexcept {
  if (!in_run()) return POLLUX_NEXT(timer_gettime)(timer, value);
  return result(call(SYS_timer_gettime, number_of(timer), value));
}

POLLUX_ENTRY int timer_getoverrun(timer_t timer) noexcept {
  if (!in_run()) return POLLUX_NEXT(timer_getoverrun)(timer);
  return result(call(SYS_timer_getoverrun, number_of(timer)));
}

POLLUX_ENTRY int timer_delete(timer_t timer) noexcept {
  if (!in_run()) return POLLUX_NEXT(timer_delete)(timer);
  return result(call(SYS_timer_delete, number_of(timer)));
}

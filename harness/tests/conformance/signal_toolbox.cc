// SPDX-License-Identifier: MIT
#include "signal_toolbox.h"

#include <cstring>

namespace conformance {

Caught caught;
volatile sig_atomic_t raise_in_handler;

namespace {

int handlers;

void note(int signal) {
  if (caught.count < 16) caught.order[caught.count] = signal;
  caught.count = caught.count + 1;
  caught.depth = caught.depth + 1;
  if (caught.depth > caught.deepest) caught.deepest = caught.depth;
  sigprocmask(SIG_BLOCK, nullptr, &caught.during);
  caught.thread = pthread_self();
  if (int next = raise_in_handler; next != 0) {
    raise_in_handler = 0;
    raise(next);
  }
  caught.depth = caught.depth - 1;
}

void on_signal(int signal) { note(signal); }

void on_signal_with_info(int signal, siginfo_t* info, void*) {
  caught.info = *info;
  note(signal);
}

}  // namespace

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : signals) sigaddset(&set, signal);
  return set;
}

Handler::Handler(int signal, int flags, std::initializer_list<int> blocks) : signal_(signal) {
  if (handlers++ == 0) std::memset(&caught, 0, sizeof caught);
  struct sigaction action;
  std::memset(&action, 0, sizeof action);
  if ((flags & SA_SIGINFO) != 0) {
    action.sa_sigaction = on_signal_with_info;
  } else {
    action.sa_handler = on_signal;
  }
  action.sa_flags = flags;
  action.sa_mask = set_of(blocks);
  must(sigaction(signal, &action, &before_), "sigaction");
}

Handler::~Handler() {
  --handlers;
  sigaction(signal_, &before_, nullptr);
}

Blocked::Blocked(std::initializer_list<int> signals) {
  sigset_t set = set_of(signals);
  must(sigprocmask(SIG_BLOCK, &set, &before_), "sigprocmask");
}

Blocked::~Blocked() { sigprocmask(SIG_SETMASK, &before_, nullptr); }

bool is_blocked(int signal) {
  sigset_t set;
  sigprocmask(SIG_BLOCK, nullptr, &set);
  return sigismember(&set, signal) == 1;
}

bool is_pending(int signal) {
  sigset_t set;
  sigpending(&set);
  return sigismember(&set, signal) == 1;
}

int take_pending(int signal) {
  sigset_t set = set_of({signal});
  timespec now{};
  return sigtimedwait(&set, nullptr, &now);
}

}  // namespace conformance

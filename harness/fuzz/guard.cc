// SPDX-License-Identifier: MIT
#include "fuzz/guard.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "pollux/shim/gate.h"

namespace pollux::fuzz {
namespace {

constexpr int kCrashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr int kOthers[] = {SIGALRM, SIGINT, SIGTERM};

struct sigaction handlers_before[NSIG];
char handler_stack[256 * 1024];

// The run that is on; its command is empty when there is none.
std::string running;
bool alarmed = false;  // during this run

void say(const char* text) {
  // To stderr, from a handler: there is nobody to tell when it fails.
  [[maybe_unused]] ssize_t ignored = ::write(STDERR_FILENO, text, __builtin_strlen(text));
}

void pass_on(int signal, siginfo_t* info, void* context) {
  const struct sigaction& before = handlers_before[signal];
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler == SIG_DFL) {
    ::signal(signal, SIG_DFL);
    ::raise(signal);  // blocked while we are here: it kills on return
  } else if (before.sa_handler != SIG_IGN) {
    before.sa_handler(signal);
  }
}

void on_crash(int signal, siginfo_t* info, void* context) {
  const shim::HarnessScope harness;
  if (!running.empty()) {
    say("\npollux: the program crashed in the middle of a run; this makes a token of it:\n");
    say(running.c_str());
    say("\n");
  }
  pass_on(signal, info, context);
}

void on_other(int signal, siginfo_t* info, void* context) {
  const shim::HarnessScope harness;
  if (signal == SIGALRM && !running.empty() && std::exchange(alarmed, true)) {
    say("\npollux: the run does not end");
    std::abort();
  }
  pass_on(signal, info, context);
}

void take_over(int signal, void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_ONSTACK | SA_SIGINFO | SA_RESTART;
  ::sigaction(signal, &action, &handlers_before[signal]);
}

// An exit handler that was there before us runs after this one, and no longer in the run.
void leave_run() { shim::pollux_gate = 0; }

bool take_over_all() {
  stack_t stack{};
  stack.ss_sp = handler_stack;
  stack.ss_size = sizeof handler_stack;
  ::sigaltstack(&stack, nullptr);
  for (int signal : kCrashes) take_over(signal, on_crash);
  for (int signal : kOthers) take_over(signal, on_other);
  std::atexit(leave_run);
  return true;
}

}  // namespace

Guard::Guard(std::string command) {
  [[maybe_unused]] static const bool taken = take_over_all();
  running = std::move(command);
  alarmed = false;
}

Guard::~Guard() { running.clear(); }

}  // namespace pollux::fuzz

// SPDX-License-Identifier: MIT
//
// The handler must not allocate: the crash may be one of the heap, or lie inside of malloc. The
// lists are therefore taken from their owners, which will not miss them any more.
#include "run/crash_note.h"

#include <signal.h>

#include <utility>

#include "explore/processes.h"
#include "explore/scheduler.h"
#include "kernel/kernel.h"
#include "kernel/processes.h"
#include "pollux/shim/gate.h"
#include "run/result_code.h"
#include "trace/recorder.h"

namespace pollux::run {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

struct Note {
  char* buffer;
  size_t capacity;
  size_t* size;
  void (*after)(const RunResult&);
};
Note note_to;
char handler_stack[64 * 1024];

void die_of(int signal) {
  ::signal(signal, SIG_DFL);
  ::raise(signal);  // blocked while we are here: it kills on return
}

void on_crash(int signal) {
  shim::pollux_gate = 0;
  if (explore::in_child()) {  // its parent may have meant it
    kernel::end_child(signal);
    die_of(signal);
    return;
  }
  RunResult result;
  result.verdict = Verdict::crash;
  result.hash = trace::recorder.hash;
  result.points = explore::outcome().points;
  result.switches = explore::outcome().switches;
  result.calls = kernel::kernel().calls();
  result.faults = kernel::kernel().faults();
  result.virtual_ns = explore::timeline().now();
  result.deviations =
      std::move(const_cast<std::vector<Deviation>&>(explore::choices().deviations()));
  result.trace = std::move(trace::recorder.lines);
  result.step_hashes = std::move(trace::recorder.steps);
  *note_to.size = write_result(result, note_to.buffer, note_to.capacity);
  if (note_to.after != nullptr) note_to.after(result);
  die_of(signal);
}

}  // namespace

void note_crashes(char* buffer, size_t capacity, size_t* size, void (*after)(const RunResult&)) {
  note_to = {buffer, capacity, size, after};
  *size = 0;
  stack_t stack{};
  stack.ss_sp = handler_stack;
  stack.ss_size = sizeof handler_stack;
  ::sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK | static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGABRT, &action, nullptr);
  if (kSanitized) return;
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) ::sigaction(signal, &action, nullptr);
}

}  // namespace pollux::run

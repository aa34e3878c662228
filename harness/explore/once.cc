// SPDX-License-Identifier: MIT
//
// Things that happen once: pthread_once and the guards of function-local statics.
//
// pthread_once_t (nptl/pthread_once.c): bit 0 in progress, bit 1 done. Guards (Itanium C++ ABI
// 3.3.3, and libstdc++'s guard.cc): byte 0 done, byte 1 in progress.
#include "explore/state.h"
#include "explore/thread_objects_impl.h"

namespace pollux::explore {
namespace {

constexpr int kOnceBegun = 1;
constexpr int kOnceDone = 2;

// Frees the control again when the routine ends by an exception or by pthread_exit.
class OnceAttempt {
 public:
  explicit OnceAttempt(pthread_once_t* control) : control_(control) { *control_ = kOnceBegun; }
  ~OnceAttempt() {
    shim::HarnessScope scope;
    *control_ = done_ ? kOnceDone : 0;
    wake_all(Why::once, control_);
  }
  void succeeded() { done_ = true; }

 private:
  pthread_once_t* control_;
  bool done_ = false;
};

}  // namespace

int ThreadObjects::once(pthread_once_t* control, void (*routine)()) {
  object_point(ObjectCall::once, control);
  for (;;) {
    if ((*control & kOnceDone) != 0) return 0;
    if ((*control & kOnceBegun) == 0) break;
    block(Why::once, control, kNever);
  }
  OnceAttempt attempt(control);
  {
    ProgramScope scope;
    routine();
  }
  attempt.succeeded();
  return 0;
}

int ThreadObjects::guard_acquire(uint64_t* guard) {
  object_point(ObjectCall::guard, guard);
  auto* byte = reinterpret_cast<volatile uint8_t*>(guard);
  while (byte[0] == 0) {
    if (byte[1] == 0) {
      byte[1] = 1;
      return 1;
    }
    block(Why::guard, guard, kNever);
  }
  return 0;
}

void ThreadObjects::guard_release(uint64_t* guard) {
  object_point(ObjectCall::guard, guard);
  auto* byte = reinterpret_cast<volatile uint8_t*>(guard);
  byte[0] = 1;
  byte[1] = 0;
  wake_all(Why::guard, guard);
}

void ThreadObjects::guard_abort(uint64_t* guard) {
  object_point(ObjectCall::guard, guard);
  reinterpret_cast<volatile uint8_t*>(guard)[1] = 0;
  wake_all(Why::guard, guard);
}

}  // namespace pollux::explore

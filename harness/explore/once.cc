// SPDX-License-Identifier: MIT
//
// Things that happen once: pthread_once and the guards of function-local statics.
//
// pthread_once_t (nptl/pthread_once.c): bit 0 in progress, bit 1 done. Guards (Itanium C++ ABI
// 3.3.3, and libstdc++'s guard.cc): byte 0 done, byte 1 in progress.
#include "explore/atomic_history.h"
#include "explore/happens_before.h"
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
    release_to(control_);
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
  while ((*control & (kOnceDone | kOnceBegun)) == kOnceBegun) {
    block(Why::once, control, kNever);
  }
  acquire_from(control);
  if ((*control & kOnceDone) != 0) return 0;
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
      acquire_from(guard);
      return 1;
    }
    block(Why::guard, guard, kNever);
  }
  acquire_from(guard);
  return 0;
}

void ThreadObjects::guard_release(uint64_t* guard) {
  object_point(ObjectCall::guard, guard);
  auto* byte = reinterpret_cast<volatile uint8_t*>(guard);
  release_to(guard);
  // Compiled code looks at the byte itself before it calls guard_acquire.
  if (state.races) history_store(guard, 1, byte[0], 1, Order::release);
  byte[0] = 1;
  byte[1] = 0;
  wake_all(Why::guard, guard);
}

void ThreadObjects::guard_abort(uint64_t* guard) {
  object_point(ObjectCall::guard, guard);
  release_to(guard);
  reinterpret_cast<volatile uint8_t*>(guard)[1] = 0;
  wake_all(Why::guard, guard);
}

}  // namespace pollux::explore

// SPDX-License-Identifier: MIT
//
// Donors: real pthreads that gave their stack and their thread control block to a virtual thread.
//
// Forging a thread control block needs glibc's private layout; borrowing one needs nothing. A donor
// is created through pthread_create, so libc (and a sanitizer) know it, and parks in the kernel on
// a private stack, touching neither its own stack nor its TLS. The carrier then runs on both, or
// lets the donor itself do it (real_threads.h). Stack, TLS and pthread_t always belong together,
// which is why errno, exceptions, stack bounds, AddressSanitizer and gdb see one consistent thread
// without being told anything.
//
// Donor i serves virtual thread i and is kept for the life of the process. It is reset by giving
// its TLS the initial images again and building a fresh frame at the top of its stack; whatever an
// abandoned thread left below is overwritten, never unwound.
#pragma once

#include <pthread.h>

#include "explore/real_threads.h"
#include "pollux/choice.h"

namespace pollux::explore {

struct Donor {
  pthread_t handle;
  uintptr_t thread_pointer;
  void* top;         // of what a virtual thread may use of the stack
  void* stack_low;   // lowest address of the stack
  void* stack_high;  // behind it, and behind the thread control block
  bool used;         // by an earlier virtual thread
  TurnTaker turns;   // its OS thread
};

inline constexpr size_t kDonorStackSize = 8 << 20;
// glibc has the thread control block and the static TLS at the high end of the stack's mapping; so
// much of it may lie above the thread pointer (struct pthread is smaller).
inline constexpr size_t kThreadStorage = 4096;

// The donor of thread `id`, created when there is none yet. Null: the system has no thread to give.
Donor* donor(Actor id);

// The same, but none is created: null.
const Donor* donor_if_created(Actor id);

// The one with this thread pointer, or null.
Donor* donor_with(uintptr_t thread_pointer);

// Whether this OS thread is one's.
bool is_donor(pid_t tid);

// Makes it as good as new, but for what only the thread itself can reach: see
// reset_own_dynamic_tls() and shim::forget_key_values().
void reset_donor(Donor&);

}  // namespace pollux::explore

// SPDX-License-Identifier: MIT
#include "explore/switch.h"

#include <sys/auxv.h>
#include <sys/syscall.h>

#include "pollux/shim/raw_system_call.h"

namespace pollux::explore {
namespace {

#if defined(__x86_64__)
constexpr unsigned long kHwcap2Fsgsbase = 2;  // Documentation/arch/x86/x86_64/fsgs.rst
constexpr long kArchSetFs = 0x1002;

bool direct_is_allowed() {
  static const bool allowed = (getauxval(AT_HWCAP2) & kHwcap2Fsgsbase) != 0;
  return allowed;
}
#endif

}  // namespace

SwitchFunction choose_switch() {
#if defined(__x86_64__)
  return direct_is_allowed() ? pollux_switch_direct : pollux_switch_by_kernel;
#else
  return pollux_switch_direct;
#endif
}

void set_thread_pointer(uintptr_t thread_pointer) {
#if defined(__x86_64__)
  if (direct_is_allowed()) {
    asm volatile("wrfsbase %0" : : "r"(thread_pointer) : "memory");
  } else {
    shim::raw_system_call(SYS_arch_prctl, kArchSetFs, static_cast<long>(thread_pointer));
  }
#else
  asm volatile("msr tpidr_el0, %0" : : "r"(thread_pointer) : "memory");
#endif
}

void* make_context(void* top, void (*entry)(void*), void* argument) {
  auto* frame = reinterpret_cast<uintptr_t*>(reinterpret_cast<uintptr_t>(top) & ~uintptr_t{15});
#if defined(__x86_64__)
  // The entry code sees the stack aligned to 16 after `ret` has taken its address.
  *--frame = reinterpret_cast<uintptr_t>(&pollux_context_entry);
  *--frame = 0;                                                // rbp
  *--frame = reinterpret_cast<uintptr_t>(entry);               // rbx
  *--frame = reinterpret_cast<uintptr_t>(argument);            // r12
  *--frame = 0;                                                // r13
  *--frame = 0;                                                // r14
  *--frame = 0;                                                // r15
  constexpr uintptr_t kMxcsr = 0x1F80, kControlWord = 0x037F;  // psABI 3.2.1: what exec gives
  *--frame = kMxcsr | (kControlWord << 32);
#else
  frame -= 176 / sizeof *frame;
  for (unsigned i = 0; i < 176 / sizeof *frame; ++i) frame[i] = 0;
  frame[0] = reinterpret_cast<uintptr_t>(entry);                   // x19
  frame[1] = reinterpret_cast<uintptr_t>(argument);                // x20
  frame[11] = reinterpret_cast<uintptr_t>(&pollux_context_entry);  // x30
#endif
  return frame;
}

}  // namespace pollux::explore

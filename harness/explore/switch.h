// SPDX-License-Identifier: MIT
//
// The switch of one stack and one thread pointer for another, in assembly.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pollux::explore {

extern "C" {
// Saves the callee-saved registers and the floating-point control on the current stack, the stack
// pointer to *save, and goes on where `stack` was saved, with `thread_pointer` as TLS base.
using SwitchFunction = void (*)(void** save, void* stack, uintptr_t thread_pointer);

// x86-64: by wrfsbase, which the kernel must have allowed (AT_HWCAP2 bit 1). aarch64: by msr,
// always allowed.
void pollux_switch_direct(void** save, void* stack, uintptr_t thread_pointer);
#if defined(__x86_64__)
// By arch_prctl(ARCH_SET_FS): ten times as slow, works everywhere.
void pollux_switch_by_kernel(void** save, void* stack, uintptr_t thread_pointer);
#endif

// Where a fresh frame made by make_context begins: calls the entry with its argument.
void pollux_context_entry();

// Leaves the current stack for another one and calls function(argument) there, which must not
// return. *save tells how far down the left stack is in use.
[[noreturn]] void pollux_leave_stack(void** save, void* other_stack_top, void (*function)(void*),
                                     void* argument);
}

// The fastest one that this machine allows.
SwitchFunction choose_switch();

// Sets the TLS base without a switch; the caller must not touch TLS until it is set back.
void set_thread_pointer(uintptr_t thread_pointer);

// Builds a frame below `top` from which a switch enters entry(argument). Returns the stack pointer
// to switch to.
void* make_context(void* top, void (*entry)(void*), void* argument);

}  // namespace pollux::explore

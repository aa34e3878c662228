// SPDX-License-Identifier: MIT
//
// The loaded modules: places in code that do not depend on where they were mapped, and the initial
// images of their thread-local storage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "explore/memory_range.h"

namespace pollux::explore {

// The executable, for the fast path of a point.
struct Extent {
  uintptr_t base;
  uintptr_t size;
};

// Looks at the list of modules when it has changed since. Requires the gate closed.
void refresh_modules();
Extent executable();

// (module number << 40) | offset, modules numbered in load order.
uint64_t module_relative(uintptr_t address);

// Paths of the modules, by number. Allocates.
std::vector<std::string> module_paths();
// Of the first one, which the loader knows by no name. Allocates.
std::string executable_path();

// Called on a fresh donor: which modules have their TLS at a fixed offset from its thread pointer
// shows by comparison with the thread that looked at them first.
void confirm_static_tls(uintptr_t donor_thread_pointer);

// Gives the thread with this pointer the TLS that a new thread has, except for libc, the loader and
// the sanitizers, whose state there is the thread's own.
void reset_static_tls(uintptr_t thread_pointer);

// The same for modules with TLS on demand; only a thread can find its own.
bool has_dynamic_tls();
void reset_own_dynamic_tls();

// What reset_static_tls() leaves alone. On any thread, of any thread.
std::vector<MemoryRange> kept_static_tls(uintptr_t thread_pointer);

// The writable segments of libraries that only the harness uses.
std::vector<MemoryRange> harness_segments();

// "libuv.so.1+0x1a2b", which is the same in each run; `code` is a return address, and meant is the
// call in front of it.
std::string place_name(uintptr_t code);

}  // namespace pollux::explore

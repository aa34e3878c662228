// SPDX-License-Identifier: MIT
//
// Where a pointer of the program's may stand at the end of a run: what a search for memory that is
// lost begins with (leaks.h).
//
// Everything that the process has mapped and may have written counts: globals, memory of before the
// run, mappings that the program made itself. Not so the stacks of threads that have ended, the
// unused part of the others, and the harness's own records, which remember what the program has
// long forgotten.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "explore/memory_range.h"

namespace pollux::explore {

// Records of the harness: no roots, until they are forgotten.
void note_harness_memory(const void* at, size_t size);
void forget_harness_memory(const void* at);

// Visits them all. `strong` when what is pointed to from there may be a block that the harness
// allocated in the program's stead (a FILE, thread-local storage): not from where the harness has
// its own pointers to such blocks. `stack`: from here upwards, the stack that this is called on is
// in use. Gate closed.
using RootVisitor = std::function<void(MemoryRange, bool strong)>;
void visit_roots(uintptr_t stack, const RootVisitor&);

}  // namespace pollux::explore

// SPDX-License-Identifier: MIT
// What depends on the calling thread. A goroutine may change threads at every switch, while
// compilers assume that a function stays on one thread and keep thread-local addresses across calls
// (clang before 15 even across calls of functions that are not inlined). So these live in a file of
// their own, which never switches, and launder their addresses.
#pragma once

#include "src/g.h"

namespace netpoll {

struct worker;
class scheduler;

// The worker whose thread this is, or null on other threads.
worker* current_worker();
void set_current_worker(worker* w);

// The scheduler that this thread works for, as a worker or otherwise; or null.
const scheduler* current_scheduler();
void set_current_scheduler(const scheduler* s);

// Where the calling thread keeps its C++ exception state.
exception_state* thread_exceptions();

}  // namespace netpoll

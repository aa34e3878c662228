// SPDX-License-Identifier: MIT
// The stack switch between a worker and a goroutine, with everything that must go along.
#pragma once

#include "src/g.h"

namespace netpoll {

struct worker;

// Makes gp->context start `entry` at the top of gp's stack at the first switch to it. `entry` must
// end by switch_to_worker and never return.
void context_prepare(g* gp, void (*entry)(g*) noexcept);

// On w's own stack: runs gp until it asks for something (gp->request). When this returns, gp's
// context is saved.
void switch_to_g(worker& w, g* gp);

// On gp's stack: gives control back to the worker that runs gp. Returns when a worker, perhaps
// another one, runs gp again: nothing read from the thread before may be used after.
void switch_to_worker(g* gp);

}  // namespace netpoll

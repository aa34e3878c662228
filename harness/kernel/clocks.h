// SPDX-License-Identifier: MIT
//
// Moments and waits, as the calls of the twin need them. What the clocks show is explore/clock.h.
#pragma once

#include "explore/clock.h"
#include "kernel/state.h"

namespace pollux::kernel {

// The moment `wait` ns from now; kNever when that is beyond the end of time.
inline Time after(Time wait) { return explore::saturating_add(now(), wait); }

// How much later than asked a timer fires: never early, but a busy machine may be late. A choice.
Time lateness();
// A deadline with its lateness.
inline Time late(Time deadline) {
  return deadline == kNever ? kNever : explore::saturating_add(deadline, lateness());
}

}  // namespace pollux::kernel

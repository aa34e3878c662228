// SPDX-License-Identifier: MIT
//
// Asking a failure point from within the twin.
#pragma once

#include "pollux/faults/catalogue.h"
#include "pollux/faults/point.h"

namespace pollux::kernel {

// Asks an armed one. Counts, hashes and traces a fault that happens.
bool fault_happens(faults::PointId);

// Should this fault happen here and now? Ask only where its `needs` hold.
[[gnu::always_inline]] inline bool fault(faults::PointId id) {
  return __builtin_expect(faults::armed_points[id] != 0, 0) && fault_happens(id);
}

}  // namespace pollux::kernel

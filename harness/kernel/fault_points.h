// SPDX-License-Identifier: MIT
//
// Asking a failure point from within the twin.
#pragma once

#include "pollux/faults/catalogue.h"
#include "pollux/faults/point.h"

namespace pollux::kernel {

// Counts, hashes and traces a fault that happens.
void note_fault(faults::PointId);

// Should this fault happen here and now? Ask only where its `needs` hold.
inline bool fault(faults::PointId id) {
  if (!faults::fails(id)) return false;
  note_fault(id);
  return true;
}

}  // namespace pollux::kernel

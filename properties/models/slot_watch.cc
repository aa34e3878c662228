// SPDX-License-Identifier: MIT
#include "models/slot_monitor.h"

namespace pollux::properties {
namespace {

void on_write(void* context, const AtomicAccess& access) {
  const SlotRegion& region = *static_cast<const SlotRegion*>(context);
  if (breaks_table(region, access)) fail("slot-transition", describe_transition(region, access));
}

}  // namespace

void watch_slots(const SlotRegion* region) {
  watch_atomics(region->base, region->stride * region->count, on_write,
                const_cast<SlotRegion*>(region));
}

}  // namespace pollux::properties

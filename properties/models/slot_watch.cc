// SPDX-License-Identifier: MIT
#include "models/slot_monitor.h"

namespace pollux::properties {
namespace {

void on_write(void* context, const AtomicAccess& access) {
  const SlotRegion& region = *static_cast<const SlotRegion*>(context);
  if (breaks_table(region, access)) fail("slot-transition", describe_transition(region, access));
}

WatchedWord describe_word(void* context, uintptr_t address, uint64_t value) {
  return describe_slot(*static_cast<const SlotRegion*>(context), address, value);
}

}  // namespace

void watch_slots(const SlotRegion* region) {
  watch_atomics(region->base, region->stride * region->count, on_write,
                const_cast<SlotRegion*>(region), describe_word);
}

}  // namespace pollux::properties

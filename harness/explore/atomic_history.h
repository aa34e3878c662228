// SPDX-License-Identifier: MIT
//
// The stores to each atomic: what a load may read, and what comes to the thread that reads it.
//
// Modification order is the order of execution. A load may read the newest store, or an older one
// that nothing hides from it (choice memory/stale, 0: the newest); a read-modify-write reads the
// newest. Without weak memory only the newest is kept.
#pragma once

#include <cstddef>
#include <cstdint>

#include "explore/happens_before.h"

namespace pollux::explore {

using Value = unsigned __int128;

// So many stores back a load may look, its own newest included.
inline constexpr unsigned kHistory = 8;
// So often in all is one that is not the newest read: stores become visible in a finite time
// ([intro.progress]), and who spins must see what it waits for.
inline constexpr unsigned kStaleReads = 4;

void reset_atomic_histories();

// `memory` is what is there now; the caller does the real operation. The value that is read:
Value history_load(const volatile void* at, size_t size, Value memory, Order);
void history_store(const volatile void* at, size_t size, Value memory, Value value, Order);
void history_rmw(const volatile void* at, size_t size, Value memory, Value value, Order);
// A compare-exchange that failed: it read what was there.
void history_failed(const volatile void* at, size_t size, Value memory, Order);

// Of a weak compare-exchange whose values are equal; a choice. Not more than three times in a row
// in a thread, since whoever tries again must succeed in the end.
bool fails_spuriously();

// The memory begins a new life.
void forget_history(uintptr_t at);
void forget_histories(uintptr_t low, uintptr_t high);

}  // namespace pollux::explore

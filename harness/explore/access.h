// SPDX-License-Identifier: MIT
//
// What the steps of a run touch, for strategies that reason about which steps depend on each other.
//
// Objects are told apart by address, in granules of eight bytes: an atomic and the futex on it are
// one object, two small ones in a granule are taken for one, which is more dependence than there
// is. Addresses serve to compare within one run only; nothing is ordered or recorded by them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pollux/choice.h"

namespace pollux::explore {

using Object = uintptr_t;

inline constexpr Object kNoObject = 0;
// The kernel of the run with its clock: each call and each look at a clock reads and changes it.
inline constexpr Object kKernelObject = 1;
// Giving way: who gives way lets somebody else take a step first, whatever that step touches.
inline constexpr Object kTurnObject = 2;
// What is due later: a thread can only be held up while there is something.
inline constexpr Object kDueObject = 3;
// The order of the seq_cst operations, where memory is weak: a fence changes it, the others read
// it.
inline constexpr Object kFenceObject = 4;

inline Object object_of(const volatile void* address) {
  return reinterpret_cast<uintptr_t>(address) >> 3;
}

// Called on the carrier while a run is on.
class AccessObserver {
 public:
  virtual ~AccessObserver() = default;

  // `thread` has arrived at a point in front of such an access. `where`: its kind and place, as
  // they go into the hash.
  virtual void at_point(Actor thread, uint64_t where, Object object, bool writes) {
    (void)thread, (void)where, (void)object, (void)writes;
  }
  // What the next at_point is about, to the byte: an access of the program's own code, made by the
  // instruction in front of `code`.
  virtual void at_access(const volatile void* address, size_t size, uintptr_t code) {
    (void)address, (void)size, (void)code;
  }
  // In weak memory: the load that the current step is has read `value`, which is not the newest.
  virtual void read_stale(uint64_t value) { (void)value; }
  // It does it now. What a step touches comes after the choice that began the step.
  virtual void touched(Actor thread, Object object, bool writes) = 0;

  // `by` made a thread that waited, or did not exist, runnable; or what `by` did before its end
  // lies before what `whom` does after joining it. No schedule has it the other way round.
  virtual void enabled(Actor by, Actor whom) = 0;
  // `by` is kNetwork for threads that are there when the run begins.
  virtual void created(Actor by, Actor whom) = 0;
};

// For the run that begins, from Strategy::begin. Null again when the next run begins.
void observe_accesses(AccessObserver*);
AccessObserver* access_observer();

}  // namespace pollux::explore

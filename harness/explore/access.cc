// SPDX-License-Identifier: MIT
//
// Points in front of what an observer wants to know of.
#include "explore/access.h"

#include "explore/state.h"

namespace pollux::explore {

void observe_accesses(AccessObserver* observer) {
  state.observer = observer;
  state.timeline.tell_of_spending(observer != nullptr);
}

AccessObserver* access_observer() { return state.observer; }

void observed_point(uint64_t where, Object object, bool writes) {
  state.observer->at_point(state.current, where, object, writes);
  point_at(where);
  if (object != kNoObject) state.observer->touched(state.current, object, writes);
}

void access_point(uint64_t place, Object object) {
  check_time();
  if (state.observer != nullptr) {
    observed_point(tagged(Kind::call, place), object, true);
  } else {
    point_at(tagged(Kind::call, place));
  }
}

void call_point(uint64_t place) { access_point(place, kKernelObject); }

}  // namespace pollux::explore

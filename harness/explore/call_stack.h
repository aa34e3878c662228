// SPDX-License-Identifier: MIT
//
// The callers of the current thread. Walks allocate nothing; the unwinder takes locks, so the gate
// has to be closed.
#pragma once

#include <unwind.h>

#include <cstdint>
#include <span>

namespace pollux::explore {

// Calls each(code, exact) for each frame, innermost first, for as long as it returns true. `code`
// is a return address; where a signal came (`exact`) it is the instruction that was next.
template <class Each>
void visit_frames(Each each) {
  auto step = [](_Unwind_Context* context, void* argument) {
    int exact = 0;
    const uintptr_t code = _Unwind_GetIPInfo(context, &exact);
    if (code == 0) return _URC_END_OF_STACK;
    return (*static_cast<Each*>(argument))(code, exact != 0) ? _URC_NO_REASON : _URC_NORMAL_STOP;
  };
  _Unwind_Backtrace(step, &each);
}

// Those from the frame on in which `code` lies, as far as there is room; what is below it is the
// caller's own business. Returns how many: 0 when it lies in none.
inline unsigned frames_from(uintptr_t code, std::span<uintptr_t> frames) {
  unsigned count = 0;
  visit_frames([&](uintptr_t each, bool) {
    if (count != 0 || each == code) frames[count++] = each;
    return count < frames.size();
  });
  return count;
}

}  // namespace pollux::explore

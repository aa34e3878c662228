// SPDX-License-Identifier: MIT
#include "src/park.h"

#include "src/fatal.h"

namespace netpoll {

bool park_slot::commit(g* gp, void* self) {
  uintptr_t expected = nil;
  auto& state = static_cast<park_slot*>(self)->state_;
  return state.compare_exchange_strong(expected, reinterpret_cast<uintptr_t>(gp));
}

void park_slot::wait(wait_reason why, int64_t detail) {
  if (state_.load() == ready) return;
  gopark(commit, this, why, detail);
}

void park_slot::wake() {
  const uintptr_t old = state_.exchange(ready);
  if (old == ready) fatal("park_slot: woken twice");
  if (old != nil) goready(reinterpret_cast<g*>(old));
}

}  // namespace netpoll

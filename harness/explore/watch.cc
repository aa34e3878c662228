// SPDX-License-Identifier: MIT
#include "explore/state.h"
#include "pollux/world.h"

namespace pollux {

void watch_atomics(uintptr_t base, size_t length, AtomicWatcher watcher, void* context,
                   WordNames names) {
  using explore::state;
  shim::HarnessScope scope;
  state.watch_base = base;
  state.watch_length = watcher != nullptr ? length : 0;
  state.watcher = watcher;
  state.watcher_context = context;
  state.word_names = names;
}

}  // namespace pollux

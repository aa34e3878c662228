// SPDX-License-Identifier: MIT
//
// Memory for the tables that the hooks fill: straight from the kernel, zeroed, never given back.
//
// A hook may run in the middle of anything that the program does, and what it allocates must not
// show in the program's heap. The tables keep what they got from run to run.
#pragma once

#include <cstddef>

namespace pollux::explore {

// Aligned for anything up to a cache line. Aborts when the system has none left.
void* lasting_memory(size_t bytes);

template <typename T>
T* lasting_array(size_t count) {
  return static_cast<T*>(lasting_memory(count * sizeof(T)));
}

}  // namespace pollux::explore

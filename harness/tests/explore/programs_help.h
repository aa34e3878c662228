// SPDX-License-Identifier: MIT
//
// What the programs under test have in common.
#pragma once

#include <thread>

#include "pollux/world.h"

namespace pollux::explore_test {

inline void check(bool condition, const char* what) {
  if (!condition) pollux::fail("check", what);
}

template <typename F, typename G>
void both(F f, G g) {
  std::thread a(f), b(g);
  a.join();
  b.join();
}

}  // namespace pollux::explore_test

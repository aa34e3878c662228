// SPDX-License-Identifier: MIT
// Counts the calls of the global operators new and delete in the test program.
#pragma once

#include <cstdint>

namespace netpoll::testing {

uint64_t allocations();      // made so far
int64_t live_allocations();  // made and not freed

}  // namespace netpoll::testing

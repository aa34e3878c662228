// SPDX-License-Identifier: MIT
// Counts the calls of the global operator new in the test program.
#pragma once

#include <cstdint>

namespace netpoll::testing {

uint64_t allocations();

}  // namespace netpoll::testing

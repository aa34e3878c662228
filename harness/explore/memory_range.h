// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace pollux::explore {

// `high` is not a member.
struct MemoryRange {
  uintptr_t low = 0, high = 0;
};

}  // namespace pollux::explore

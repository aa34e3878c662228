// SPDX-License-Identifier: MIT
//
// A data race, told: it ends the run with Verdict::data_race.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pollux::explore {

// One of the two accesses.
struct RaceParty {
  const char* thread;
  bool writes;
  bool atomic;
  unsigned size;  // bytes, of the cell in which they met
  uintptr_t code;
};

// Gate closed. `earlier` happened first in this run; `later` is what the current thread does.
[[noreturn]] void report_race(const RaceParty& earlier, const RaceParty& later);

}  // namespace pollux::explore

// SPDX-License-Identifier: MIT
//
// A data race, told: it ends the run with Verdict::data_race.
//
// The stack of the later access is there when the race is found. That of the earlier one is not: it
// would have to be kept for every access. But the accesses of a run are numbered, and the same
// choices make the same ones; so the report gives the number, and a second run which is asked for
// it beforehand (race_shadow.h) has both stacks. run/race_stacks.h does that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pollux::explore {

// Return addresses, innermost first.
struct CallStack {
  static constexpr unsigned kFramesMax = 24;

  unsigned count = 0;
  uintptr_t frames[kFramesMax];
};
// That of the current thread from the frame on which `code` lies in; what is below it is the
// detector's. Empty when it lies in none. Gate closed; allocates nothing, so the run can go on.
CallStack stack_from(uintptr_t code);

// One of the two accesses.
struct RaceParty {
  const char* thread;
  bool writes;
  bool atomic;
  unsigned size;  // bytes, of the cell in which they met
  uintptr_t code;
  uint32_t number;  // among the accesses of the run
};

// Gate closed. `earlier` happened first in this run, with `stack`, which is empty when it was not
// kept; `later` is what the current thread does.
[[noreturn]] void report_race(const RaceParty& earlier, const CallStack& stack,
                              const RaceParty& later);

// --- For who reads race_details().

// In place of the earlier access's callers, when they were not kept.
inline constexpr std::string_view kNoCallers = "  its callers are not known";
// The number of the earlier access; 0: the text is not that of a race.
uint32_t earlier_access(const std::string& details);

}  // namespace pollux::explore

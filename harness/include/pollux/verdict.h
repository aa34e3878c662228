// SPDX-License-Identifier: MIT
//
// How a run ended.
#pragma once

#include <cstdint>
#include <string_view>

namespace pollux {

// The names and numbers appear in tokens and in JSON: append only.
enum class Verdict : uint8_t {
  held = 0,            // the program ended and nothing was found
  violation = 1,       // a property of the suite does not hold
  lost_wakeup = 2,     // nothing can happen any more, yet a descriptor is ready and its owner waits
  deadlock = 3,        // nothing can happen any more and somebody waits
  busy_spin = 4,       // many returns of epoll_wait or poll without progress
  leaked_fd = 5,       // descriptors that the program opened were open when it ended
  crash = 6,           // a signal, an abort, a failed check of the program
  step_limit = 7,      // the bound on points or calls was spent
  time_limit = 8,      // the bound on virtual time was spent
  unmodelled = 9,      // the program made a call that the twin does not model
  diverged = 10,       // a replay did not do what its record says
  data_race = 11,      // two accesses of the same memory, one of them a write, that nothing orders
  leaked_memory = 12,  // blocks that the program allocated and that nothing points to at the end
};

constexpr std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::held:
      return "held";
    case Verdict::violation:
      return "violation";
    case Verdict::lost_wakeup:
      return "lost-wakeup";
    case Verdict::deadlock:
      return "deadlock";
    case Verdict::busy_spin:
      return "busy-spin";
    case Verdict::leaked_fd:
      return "leaked-fd";
    case Verdict::crash:
      return "crash";
    case Verdict::step_limit:
      return "step-limit";
    case Verdict::time_limit:
      return "time-limit";
    case Verdict::unmodelled:
      return "unmodelled";
    case Verdict::diverged:
      return "diverged";
    case Verdict::data_race:
      return "data-race";
    case Verdict::leaked_memory:
      return "leaked-memory";
  }
  return "?";
}

// Exit codes of the command, by what a caller does next.
namespace exit_code {
inline constexpr int kHeld = 0;
inline constexpr int kViolation = 1;
inline constexpr int kUsage = 2;
inline constexpr int kNondeterminism = 3;
inline constexpr int kNothingRan = 4;
inline constexpr int kUnmodelled = 5;
inline constexpr int kInconclusive = 6;
inline constexpr int kInternal = 70;
}  // namespace exit_code

}  // namespace pollux

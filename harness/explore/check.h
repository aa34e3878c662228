// SPDX-License-Identifier: MIT
//
// Checks of our own work. They stay on in every build: a harness that is wrong must not go on and
// report findings.
#pragma once

namespace pollux::explore {

// Prints what did not hold and where, then aborts. Needs nothing of libc but write(2).
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace pollux::explore

#define POLLUX_EXPLORE_CHECK(condition) \
  (__builtin_expect(!!(condition), 1)   \
       ? static_cast<void>(0)           \
       : ::pollux::explore::check_failed(#condition, __FILE__, __LINE__))

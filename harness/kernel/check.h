// SPDX-License-Identifier: MIT
//
// Checks of the twin's own invariants. They stay on in release builds: a wrong twin is worse than
// none.
#pragma once

namespace pollux::kernel {

// Prints what did not hold and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace pollux::kernel

#define POLLUX_KERNEL_CHECK(condition)                                  \
  (__builtin_expect(!(condition), 0)                                    \
       ? ::pollux::kernel::check_failed(#condition, __FILE__, __LINE__) \
       : void(0))

// SPDX-License-Identifier: MIT
// The end of the line for states that cannot be. The checks stay on in every build type.
#pragma once

namespace netpoll {

// Prints "fatal: <what>" on stderr and aborts.
[[noreturn]] void fatal(const char* what) noexcept;
// The same, with a number that helps (an errno, a status).
[[noreturn]] void fatal(const char* what, long detail) noexcept;

}  // namespace netpoll

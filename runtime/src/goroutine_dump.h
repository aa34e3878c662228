// SPDX-License-Identifier: MIT
// What every goroutine is doing, for those who read a fatal error.
#pragma once

namespace netpoll {

// Writes to stderr one line for each goroutine of the Runtime that the calling thread works for:
//   goroutine 7 [IO wait: read of fd 5, for at most 12 ms]
// Nothing if it works for none. Takes no lock that others may hold for long, waits for nothing.
void dump_goroutines() noexcept;

}  // namespace netpoll

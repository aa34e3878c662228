// SPDX-License-Identifier: MIT
//
// The last words of a run that crashes: its hash, its deviations and its trace, written by a signal
// handler before the process dies, so that a crash can be replayed and compared like any other end.
#pragma once

#include <cstddef>

#include "pollux/world.h"

namespace pollux::run {

// From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT leave a result in `buffer` and its size
// in `size` (0 until then), and then kill the process as they would have. `after`, when given, is
// called in between. Under a sanitizer only SIGABRT: the others are the sanitizer's own.
void note_crashes(char* buffer, size_t capacity, size_t* size,
                  void (*after)(const RunResult&) = nullptr);

}  // namespace pollux::run

// SPDX-License-Identifier: MIT
//
// A RunResult as bytes, to cross from a child process to its parent.
#pragma once

#include <cstddef>
#include <string>

#include "pollux/world.h"

namespace pollux::run {

// Writes at most `capacity` bytes and returns how many; what is too long is left out, the longest
// part first (trace, steps, details).
size_t write_result(const RunResult&, char* to, size_t capacity);
RunResult read_result(const char* from, size_t size);

}  // namespace pollux::run

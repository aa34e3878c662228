// SPDX-License-Identifier: MIT
//
// What the entry points of a fuzzer do (fuzzer_entry.cc; docs/fuzzing.md).
//
// Runs are made in this process, one after the other. One that does not hold leaves abandoned
// threads behind, so it is the last one: it is reported as `pollux run` does, with a token that
// does not need the bytes, and then the process aborts, by which the fuzzer knows that the input is
// worth keeping.
//
// Threads: called on the thread that runs the fuzzer, outside of runs.
#pragma once

#include <cstdint>
#include <span>

#include "fuzz/input.h"

namespace pollux::fuzz {

// The only one of the process, made from what the program was compiled for. Ends the process with
// exit_code::kUsage when that does not exist.
const Target& target_of(const char* suite, const char* profile, const char* settings);

// Returns when the run held. A crash in the middle of the run goes to the handlers that the process
// had when this was first called (guard.h).
void run_input(const Target&, std::span<const uint8_t> bytes);

}  // namespace pollux::fuzz

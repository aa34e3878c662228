// SPDX-License-Identifier: MIT
//
// One input of a fuzzer is one run of a suite: its bytes are the workload and the choices.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "run/plan.h"

namespace pollux::fuzz {

// What the inputs are for.
struct Target {
  const Suite* suite;
  std::shared_ptr<const run::Mix> mix;  // its profile: which faults the bytes may choose
  run::Overrides overrides = {};
};

// Ends the process with a message when there is no such suite or profile, or when POLLUX_FUZZ_SET
// ("NAME=NUMBER,...") is wrong.
Target find_target(const char* suite, const char* profile);

struct InputRun {
  run::Plan plan;  // of explicit deviations: it does not need the bytes
  RunResult result;
};

// The first two bytes choose the workload, the others are the choices (make_bytes_strategy).
InputRun run_input(const Target&, std::span<const uint8_t> bytes);

// What LLVMFuzzerTestOneInput of `pollux_fuzzer` does: a run that does not hold is reported as
// `pollux run` does, with a token, and aborts.
int test_one_input(const Target&, std::span<const uint8_t> bytes);

}  // namespace pollux::fuzz

// SPDX-License-Identifier: MIT
//
// The entry point of coverage-guided fuzzers. pollux_fuzzer() compiles it for each suite.
#include <cstddef>
#include <cstdint>

#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const pollux::fuzz::Target target =
      pollux::fuzz::find_target(POLLUX_FUZZ_SUITE, POLLUX_FUZZ_PROFILE);
  return pollux::fuzz::test_one_input(target, {data, size});
}

// SPDX-License-Identifier: MIT
//
// The entry points that libFuzzer and AFL++ look for. pollux_fuzzer() compiles this file for each
// suite.
//
// When its first argument is `pollux`, the program is the pollux command instead: tokens belong to
// the build that made them, and this is it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cli/pollux_main.h"
#include "fuzz/fuzz.h"

namespace {

const pollux::fuzz::Target& target() {
  return pollux::fuzz::target_of(POLLUX_FUZZ_SUITE, POLLUX_FUZZ_PROFILE, POLLUX_FUZZ_SETTINGS);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  if (*argc > 1 && std::string_view((*argv)[1]) == "pollux") {
    std::exit(pollux::pollux_main(*argc - 1, *argv + 1));
  }
  target();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pollux::fuzz::run_input(target(), {data, size});
  return 0;
}

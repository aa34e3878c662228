// SPDX-License-Identifier: MIT
#include "fuzz/fuzz.h"

#include <cstdio>
#include <cstdlib>

#include "cli/arguments.h"
#include "cli/report.h"
#include "fuzz/guard.h"
#include "run/token.h"

namespace pollux::fuzz {

const Target& target_of(const char* suite, const char* profile, const char* settings) {
  try {
    static const Target target = make_target(suite, profile, settings);
    return target;
  } catch (const cli::UsageError& error) {
    std::fprintf(stderr, "pollux: %s\n", error.message.c_str());
    std::_Exit(exit_code::kUsage);
  }
}

void run_input(const Target& target, std::span<const uint8_t> bytes) {
  run::Plan plan = plan_of_input(target, bytes);
  RunResult result;
  {
    const Guard guard(command_of(target, plan));
    result = run::execute(plan);
  }
  if (result.verdict == Verdict::held) return;
  plan.choices = result.deviations;
  const std::string origin = "from an input of " + std::to_string(bytes.size()) + " bytes";
  cli::print_failure(plan, result, origin, run::encode_or_write(run::make_token(plan, result)),
                     stderr);
  std::abort();
}

}  // namespace pollux::fuzz

// SPDX-License-Identifier: MIT
#include "fuzz/fuzz.h"

#include <cstdio>
#include <cstdlib>

#include "cli/arguments.h"
#include "cli/report.h"
#include "pollux/faults/profile.h"
#include "run/token.h"

namespace pollux::fuzz {
namespace {

constexpr size_t kWorkloadBytes = 2;

// "a=1,b=2", as --set has it.
std::vector<std::string> settings() {
  std::vector<std::string> list;
  const char* text = std::getenv("POLLUX_FUZZ_SET");
  std::string left = text != nullptr ? text : "";
  while (!left.empty()) {
    const size_t comma = left.find(',');
    list.push_back(left.substr(0, comma));
    left.erase(0, comma == std::string::npos ? left.size() : comma + 1);
  }
  return list;
}

}  // namespace

Target find_target(const char* suite, const char* profile) {
  try {
    return {&cli::suite_named(suite), cli::mix_named("random", profile),
            cli::parse_overrides(settings())};
  } catch (const cli::UsageError& error) {
    std::fprintf(stderr, "pollux: %s\n", error.message.c_str());
    std::_Exit(exit_code::kUsage);
  }
}

InputRun run_input(const Target& target, std::span<const uint8_t> bytes) {
  uint64_t workload = 0;
  const size_t of_workload = std::min(kWorkloadBytes, bytes.size());
  for (size_t i = 0; i < of_workload; ++i) workload |= uint64_t{bytes[i]} << (8 * i);
  bytes = bytes.subspan(of_workload);
  auto strategy = make_bytes_strategy({bytes.begin(), bytes.end()});
  run::Plan plan{target.suite, target.suite->workload(workload), run::Drawn{0, target.mix},
                 target.overrides};
  RunResult result = run::execute(plan, {}, strategy.get());
  plan.choices = result.deviations;
  return {std::move(plan), std::move(result)};
}

int test_one_input(const Target& target, std::span<const uint8_t> bytes) {
  const InputRun run = run_input(target, bytes);
  if (run.result.verdict == Verdict::held) return 0;
  const run::Token token = run::make_token(run.plan, run.result);
  cli::print_failure(run.plan, run.result, "found by a fuzzer", run::encode_or_write(token),
                     stderr);
  std::fflush(stderr);
  std::abort();
}

}  // namespace pollux::fuzz

// SPDX-License-Identifier: MIT
#include "fuzz/input.h"

#include <algorithm>
#include <iterator>
#include <sstream>

#include "cli/arguments.h"

namespace pollux::fuzz {
namespace {

constexpr size_t kSeedBytes = 2;

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

}  // namespace

Target make_target(const std::string& suite, const std::string& profile,
                   const std::string& settings) {
  return {&cli::suite_named(suite), profile, cli::mix_named("random", profile)->profile,
          cli::parse_overrides(words_of(settings))};
}

run::Plan plan_of_input(const Target& target, std::span<const uint8_t> bytes) {
  const auto of_seed = bytes.first(std::min(kSeedBytes, bytes.size()));
  const auto of_choices = bytes.subspan(of_seed.size());
  uint64_t seed = 0;
  for (size_t i = 0; i < of_seed.size(); ++i) seed |= uint64_t{of_seed[i]} << (8 * i);
  run::StrategySpec strategy;
  strategy.plain = run::StrategySpec::Plain::bytes;
  strategy.bytes.assign(of_choices.begin(), of_choices.end());
  return {target.suite, target.suite->workload(seed),
          run::Drawn{seed, run::make_mix(std::move(strategy), target.profile)}, target.overrides};
}

std::string command_of(const Target& target, const run::Plan& plan) {
  const auto& drawn = std::get<run::Drawn>(plan.choices);
  std::string command = "pollux run " + std::string(plan.suite->name()) + " --seed " +
                        std::to_string(drawn.seed) + " --profile " + target.profile_name +
                        " --strategy " + to_string(drawn.mix->strategy);
  for (const auto& [name, value] : plan.overrides) {
    command += " --set " + name + "=" + std::to_string(value);
  }
  return command;
}

}  // namespace pollux::fuzz

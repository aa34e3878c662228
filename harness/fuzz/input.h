// SPDX-License-Identifier: MIT
//
// One input of a fuzzer is one run of a suite.
//
// Its first two bytes, the less significant first, are the seed of the workload; those that are
// missing are 0. The others are the choices (pollux/bytes_strategy.h). So an input is what
// `pollux run SUITE --seed SEED --strategy bytes:HEX` runs.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "run/plan.h"

namespace pollux::fuzz {

// What the inputs are for.
struct Target {
  const Suite* suite = nullptr;
  std::string profile_name;  // as --profile takes it
  faults::Profile profile;   // which faults the bytes may choose
  run::Overrides overrides;
};

// `settings`: NAME=N as --set takes it, separated by blanks. Throws cli::UsageError when there is
// no such suite, profile or setting.
Target make_target(const std::string& suite, const std::string& profile,
                   const std::string& settings);

// Choices are drawn, from the bytes.
run::Plan plan_of_input(const Target&, std::span<const uint8_t> bytes);

// The command that carries out a plan of plan_of_input.
std::string command_of(const Target&, const run::Plan&);

}  // namespace pollux::fuzz

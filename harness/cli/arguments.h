// SPDX-License-Identifier: MIT
//
// What the user typed, as values. Every function throws UsageError when it is not one: what, where,
// and what would be right, in one line.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "run/plan.h"

namespace pollux::cli {

struct UsageError {
  std::string message;
};

// Half open: `end` is not a member.
struct SeedRange {
  uint64_t first = 0;
  uint64_t end = 0;
};

uint64_t parse_number(std::string_view flag, std::string_view text, uint64_t min, uint64_t max);
// Decimal, or a git hash of 40 hexadecimal digits (its first 16 count).
uint64_t parse_seed(std::string_view flag, std::string_view text);
SeedRange parse_seeds(std::string_view flag, std::string_view text);
// "500ms", "30s", "5m", "2h"
std::chrono::milliseconds parse_duration(std::string_view flag, std::string_view text);
// "2/8": the second of eight parts.
SeedRange shard_of(SeedRange, std::string_view text);
// "points_max=1000"
run::Overrides parse_overrides(const std::vector<std::string>&);

// --races, --memory, --leaks and --strict: how closely a run looks. Shorthands for --set races=1,
// --set weak_memory=1, --set memory_leaks=1 and --set strict=1, which is how tokens carry them.
struct JudgeFlags {
  bool races = false, leaks = false, strict = false;
  std::string memory = "strong";

  void add(CLI::App&);
  void apply(run::Overrides&) const;
};

const Suite& suite_named(std::string_view name);
std::shared_ptr<const run::Mix> mix_named(const std::string& strategy, const std::string& profile);
// What further choices of a plan's kind are drawn from: its own mix, or for explicit deviations the
// random strategy, with faults when it has some.
std::shared_ptr<const run::Mix> mix_of(const run::Plan&);

// The file of --network; null when it is empty.
std::shared_ptr<const run::NetworkFile> network_named(const std::string& path);

// A flag that stands twice among the arguments is an error, save for those in `repeatable`.
void reject_duplicates(const std::vector<std::string>& arguments,
                       const std::vector<std::string_view>& repeatable);

}  // namespace pollux::cli

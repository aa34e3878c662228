// SPDX-License-Identifier: MIT
//
// A plan: everything that one run is made from, as a value.
//
// The same plan in the same build gives the same run. Whoever wants a run, be it a sweep, a replay
// or the shrinker, makes a plan and has it executed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pollux/faults/profile.h"
#include "pollux/suite.h"
#include "pollux/world.h"
#include "run/network_file.h"

namespace pollux::run {

// "random", "pct:3", "pct:3:2000", "pos", "active", "surw:12,30,30", "walk", "round-robin" or
// "bytes:c0ffee".
struct StrategySpec {
  enum class Plain : uint8_t { random, pos, active, surw, walk, round_robin, bytes };

  unsigned pct_depth = 0;                  // 0: it is not PCT
  uint64_t pct_length = 0;                 // 0: each seed draws one, from 64 to 16384
  Plain plain = Plain::random;             // which one, when pct_depth is 0
  std::vector<uint32_t> surw_counts = {};  // points by thread
  std::vector<uint8_t> bytes = {};         // pollux/bytes_strategy.h

  friend bool operator==(const StrategySpec&, const StrategySpec&) = default;
};
std::string to_string(const StrategySpec&);
// Message: what, and what would be right.
std::variant<StrategySpec, std::string> parse_strategy(std::string_view);

// How the choices of a sweep are drawn; one object serves all its seeds.
struct Mix {
  StrategySpec strategy;
  faults::Profile profile;
};
std::shared_ptr<const Mix> make_mix(StrategySpec, faults::Profile);

struct Drawn {
  uint64_t seed = 0;
  std::shared_ptr<const Mix> mix;
};

// Fields of RunOptions that the user set by name; they win over what the suite wants.
using Overrides = std::map<std::string, int64_t>;
// False when RunOptions has no such field.
bool apply_override(RunOptions&, std::string_view field, int64_t value);
std::vector<std::string_view> override_names();
// "network.latency_min_ns": which member of RunOptions a known field is.
std::string member_of_options(std::string_view field);

// From a step on the choices are drawn, whatever the plan has for later.
struct Redrawn {
  uint64_t from = 0;  // scheduling point; those before it are as planned
  Drawn drawn;
};

struct Plan {
  const Suite* suite = nullptr;
  std::string workload;
  std::variant<Drawn, std::vector<Deviation>> choices;
  Overrides overrides;
  std::optional<Redrawn> then = {};
  std::shared_ptr<const NetworkFile> network = nullptr;  // wins over what the suite wants
};

// The property that a failed run broke: what the reason names before its first ": " for a violation
// (the name given to pollux::fail), a crash (the signal) and a data race (the two places);
// otherwise the verdict's own name. "Same failure" means same verdict and same property.
std::string property_of(const RunResult&);

std::unique_ptr<Strategy> make_strategy(const Plan&);
// Without a strategy.
RunOptions make_options(const Plan&);

// What a caller wants of one run beyond the plan.
struct Watch {
  bool trace = false;
  bool steps = false;
  bool log = false;         // of steps, for a report
  uint64_t points_max = 0;  // 0: as planned
  uint64_t calls_max = 0;
  uint32_t stack_of = 0;  // of that access: its stack is kept for a race (race_stacks.h)
  bool moved = false;     // a program (`pollux exec`) at other addresses than always
};

// Runs it here, in this process. `instead` answers the choices in place of the plan's own strategy.
RunResult execute(const Plan&, const Watch& = {}, Strategy* instead = nullptr);

}  // namespace pollux::run

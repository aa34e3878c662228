// SPDX-License-Identifier: MIT
//
// The failure of a token of another build, looked for in this one.
//
// An edit of the program moves the scheduling points behind it, so a deviation that counts them
// means another place. It is found again by its meaning, each one in the run with those before it;
// or as it was recorded; or within a few ordinals of either. Hashes say nothing across builds: the
// same failure is one of the same verdict and property. Runs are counted, not timed: the same
// token in the same build always comes to the same answer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "run/token.h"
#include "run/worker.h"

namespace pollux::run {

struct Elsewhere {
  enum class How : uint8_t { as_recorded, by_meaning, near_by, not_at_all };

  How how = How::not_at_all;
  Plan plan;         // of the failure; not_at_all: what came nearest to the record
  RunResult result;  // of that plan
  bool died = false;
  uint64_t runs = 0;
};

// `plan` is that of the token.
Elsewhere find_elsewhere(const Token&, const Plan&, Runner&);

// "deviation 2 moved by +1", for each whose ordinal is not the recorded one.
std::vector<std::string> moves(const Token&, const Elsewhere&);

}  // namespace pollux::run

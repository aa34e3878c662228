// SPDX-License-Identifier: MIT
//
// Where two runs that should be the same part ways.
#pragma once

#include <optional>
#include <string>

#include "pollux/world.h"

namespace pollux::run {

struct Divergence {
  size_t step;         // index of the first step whose hash differs
  std::string report;  // several lines: what both did up to there, then what each did
};

// Both runs were made with Watch::steps and Watch::trace. Nothing when they are the same.
std::optional<Divergence> first_divergence(const RunResult& a, const RunResult& b);

}  // namespace pollux::run

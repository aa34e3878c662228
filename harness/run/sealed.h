// SPDX-License-Identifier: MIT
//
// When was it sealed? The first step of a failing run after which the failure comes whatever is
// chosen from there on.
//
// The run is repeated up to a step, and continued with fresh random choices, a number of times: the
// share of those continuations that fail in the same way says how bad things are at that step. A
// binary search finds where the share gets near 1, and more continuations confirm it. The share
// need not grow steadily; what is found is one step where it jumps.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "run/worker.h"

namespace pollux::run {

struct SealedRequest {
  Plan plan;  // with explicit deviations
  RunResult failure;
  std::shared_ptr<const Mix> mix;  // that the continuations draw from
  unsigned continuations = 20;     // for each step of the search
  unsigned confirmations = 50;     // on either side of what it found
  std::chrono::milliseconds budget{10'000};
};

struct Sealed {
  uint64_t step = 0;   // the last one that still matters; from the next on it is sealed
  double before = 0;   // share of the continuations from this step on that fail
  double after = 0;    // and from the next one on
  unsigned tried = 0;  // continuations on either side
  uint64_t runs = 0;   // of the whole search
};

// Nothing when continuations of the whole run do not fail for near certain either, or time was up.
std::optional<Sealed> find_sealed_step(const SealedRequest&, Runner&);

}  // namespace pollux::run

// SPDX-License-Identifier: MIT
//
// The half of explore() that makes the runs, and what it shares with the half that waits for it.
#pragma once

#include <atomic>
#include <cstdint>

#include "run/explore.h"
#include "run/tap.h"

namespace pollux::run {

// In shared memory; written by the child. What is not atomic is read after its death.
struct ExploreShared {
  static constexpr size_t kLevelsMax = 64;
  static constexpr size_t kResultMax = 64u << 20;
  static constexpr size_t kTextMax = 1024;

  struct Level {
    std::atomic<uint64_t> runs;
    std::atomic<uint64_t> nanoseconds;
    std::atomic<bool> complete;
  };

  std::atomic<bool> stop;  // by the parent
  std::atomic<uint32_t> levels;
  std::atomic<uint64_t> started;  // runs of any kind
  std::atomic<uint64_t> points;
  Level level[kLevelsMax];
  double bound_runs, bound_error;
  bool complete;
  char diverged[kTextMax];
  size_t result_size;  // of the run that did not hold; 0: none
  size_t note_size;    // of what a crash left in `result`
  DeviationLog log;
  char result[kResultMax];
};

// Bounds of the n-th level.
ExploreLevel level_of(const ExploreRequest&, size_t n);
size_t level_count(const ExploreRequest&);

// Explores; returns when there is no more to do, or after the first run that does not hold.
void explore_here(const ExploreRequest&, ExploreShared&);

}  // namespace pollux::run

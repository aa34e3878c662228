// SPDX-License-Identifier: MIT
//
// The planted bugs (bugs.txt), as the suites that they are and as what must happen to them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "pollux/suite.h"

namespace pollux::properties {

struct PlantedBug {
  const Suite* suite;
  const char* bug;
  const char* id;    // in the list of mutants that netpoll is held against; "-": ours
  const char* file;  // of runtime/src
  const char* program;
  const char* description;
  bool open;             // nothing has found it yet
  const char* strategy;  // "explore", or what `pollux run --strategy` takes
  uint64_t within;       // preemptions of explore; seeds of the others
  const char* profile;   // of faults; with explore: one fault at most
  const char* verdicts;  // as in bugs.txt

  // No run may tell it from the runtime without it.
  bool equivalent() const;
  // Did that run convict it of what it is known for?
  bool convicted_by(const RunResult&) const;
};

// In the order of bugs.txt.
std::span<const PlantedBug> planted_bugs();

}  // namespace pollux::properties

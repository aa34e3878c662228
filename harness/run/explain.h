// SPDX-License-Identifier: MIT
//
// A failure explained: of all that a run did, the few steps that matter, and what contradicts.
//
// A step matters when it is near a deviation, conflicts with what a deviation moved, changes a word
// that somebody is left waiting in, is a call on a descriptor that the verdict is about, or is
// where a thread stands at the end. Everything else is counted.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "run/sealed.h"
#include "run/worker.h"

namespace pollux::run {

struct ExplainRow {
  int rank = 0;          // the lower the more it matters
  uint64_t number = 0;   // of scheduling points: when
  uint64_t omitted = 0;  // steps between the row before and this one
  Actor thread = 0;
  std::string what;
  std::string where;  // "poll_desc.cc:212"
  bool is_deviation = false;
};

struct Explanation {
  Plan plan;                            // with explicit deviations
  RunResult failure;                    // of that plan, with its log
  std::string cause;                    // one sentence
  std::vector<std::string> accesses;    // of a race, or allocations, each with its stack
  std::vector<ExplainRow> rows;         // all that matter, most important ones first
  std::vector<std::string> deviations;  // each with its place in the source
  std::vector<std::string> faults;      // each with what it did
  std::vector<std::string> state;       // what contradicts
  std::string nearest;  // the passing run that differs least, and where; empty: none was found
  std::optional<Sealed> sealed;

  std::string thread_name(Actor) const;
};

struct ExplainRequest {
  Plan plan;  // a failing one
  // That continuations draw from; null: not asked when it was sealed.
  std::shared_ptr<const Mix> mix;
  std::chrono::milliseconds seal_budget{10'000};
};

// The run of a failing plan with its log; `known` is how it ended without, `died` whether its
// process did. A crash can not leave its log; the same run ended in front of the point of the crash
// can.
RunResult run_with_log(const Plan&, const RunResult& known, bool died, Runner&);

// Or why not, in one line.
std::variant<Explanation, std::string> explain(const ExplainRequest&, Runner&);

// The most important rows, in the order of time, with what was left out between them counted.
std::vector<ExplainRow> best_rows(const Explanation&, size_t most);

}  // namespace pollux::run

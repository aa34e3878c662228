// SPDX-License-Identifier: MIT
//
// A sweep: one suite, many seeds, several child processes.
//
// Children take the seeds in chunks and count what they did in shared memory. A run that does not
// hold ends its child, which leaves the result behind (or a wait status, when it crashed), and
// another child goes on with the rest of the chunk. So every seed is run once, whatever the others
// do.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "run/child.h"
#include "run/plan.h"

namespace pollux::run {

struct SweepRequest {
  const Suite* suite = nullptr;
  std::string workload = "";  // that of every run, if not empty; else each seed has its own
  std::shared_ptr<const Mix> mix;
  Overrides overrides;
  std::shared_ptr<const NetworkFile> network = nullptr;
  uint64_t first = 0;
  uint64_t end = 0;  // exclusive
  unsigned jobs = 1;
  unsigned audit_percent = 1;  // share of the seeds that are run twice
  bool audit_moved = false;    // the second time with Watch::moved
  bool fail_fast = false;
  bool keep_hashes = false;
  std::chrono::milliseconds budget{0};  // 0: until the seeds are done
  ProcessBounds bounds;
  // How a child carries out a plan; run::execute unless the suite's program is another process.
  std::function<RunResult(const Plan&, const Watch&)> carry_out;
};

// One run that did not hold, or that held and was something else when it was audited (diverged).
struct SweepFailure {
  uint64_t seed;
  Plan plan;
  RunResult result;
};

struct SweepTotals {
  uint64_t runs = 0, held = 0, audited = 0;
  uint64_t by_verdict[16] = {};
  uint64_t points = 0, calls = 0, switches = 0, faults = 0;
  int64_t virtual_ns = 0;
  std::vector<uint64_t> fault_counts;   // by faults::PointId
  uint64_t note_runs[kNoteKinds] = {};  // runs that have such a note, by NoteKind
  uint64_t distinct = 0;                // different hashes among the first 2^26 seeds
  uint64_t digest = 0;    // over (seed, verdict, hash) of all seeds; independent of jobs and order
  bool complete = false;  // every seed was run
  bool interrupted = false;
  double seconds = 0;
  uint64_t peak_mib = 0;         // most memory that a process had
  std::vector<uint64_t> hashes;  // by seed - first, when kept (at most 2^26); 0: died or not run
};

class SweepListener {
 public:
  virtual ~SweepListener() = default;
  virtual void on_failure(const SweepFailure&) = 0;
  virtual void on_progress(const SweepTotals&, double share) = 0;  // about ten times a second
};

// Runs the sweep. SIGINT and SIGTERM end it early, a second one at once.
SweepTotals sweep(const SweepRequest&, SweepListener&);

Plan plan_of_seed(const SweepRequest&, uint64_t seed);

// What one seed adds to the digest of a sweep.
uint64_t digest_of(uint64_t seed, Verdict, uint64_t hash);

}  // namespace pollux::run

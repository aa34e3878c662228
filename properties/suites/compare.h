// SPDX-License-Identifier: MIT
//
// How netpoll and Boost.Asio behave under the same workloads, faults and seeds.
//
// Each cell runs one class of workload with one failure point armed (or none), for a number of
// seeds, on both subjects. What a program makes of a fault is its verdict and the errors that its
// user sees. Rows in which the two differ carry the reason.
//
// Every run happens in a child process, so a crash or a hang of a subject is an outcome. Call it in
// a process that has not run a World itself: a child inherits only the calling thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pollux/faults/point.h"
#include "pollux/verdict.h"

namespace pollux::properties {

struct WorkloadClass {
  const char* name;
  const char* workload;
};
// Fixed workloads, one for each kind of traffic; the same text for both subjects.
std::vector<WorkloadClass> workload_classes();

struct CompareOptions {
  uint64_t first_seed = 1;
  unsigned seeds = 20;               // for each cell and subject
  double rate = 0.1;                 // share of its visits at which the fault happens
  std::vector<std::string> classes;  // names; empty: all
  std::vector<std::string> faults;   // libfiu names, or "none"; empty: none and all points
};

struct CompareOutcome {
  std::map<Verdict, unsigned> verdicts;         // how many runs ended so
  std::vector<std::string> errors;              // "accept EMFILE": what users saw, sorted
  uint64_t faults = 0;                          // how often the fault happened, over all runs
  std::map<Verdict, std::string> first_reason;  // for each verdict other than held
  std::map<Verdict, uint64_t> first_seed;
};
// "held", "held, read ECONNRESET", "lost-wakeup 17/20"
std::string to_string(const CompareOutcome&);

struct CompareRow {
  std::string workload_class;
  std::string fault;  // "none" or a libfiu name
  faults::Grade grade = faults::Grade::legal;
  CompareOutcome netpoll, asio;
  // Both ended in the same ways: held, hung, crashed, ... . Which errors users saw plays no part:
  // that depends on what comes first in a run.
  bool same = false;
  // Where a subject did not hold: the judge's reason and the seed. Otherwise the errors that only
  // one subject's user saw; often empty.
  std::string why;
};

// Wrong names in the options: one line that says which and what there is; otherwise empty.
std::string check(const CompareOptions&);

// Calls `done` with each row as it is complete, in the order of classes and catalogue. Rows whose
// fault never happened on either subject are left out (the workload does not get to it).
std::vector<CompareRow> compare(const CompareOptions&,
                                const std::function<void(const CompareRow&)>& done);

}  // namespace pollux::properties

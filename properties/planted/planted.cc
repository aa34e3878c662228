// SPDX-License-Identifier: MIT
#include "planted/planted.h"

#include <string>
#include <string_view>

#include "subjects/protocols.h"
#include "subjects/subject.h"
#include "subjects/workers.h"
#include "suites/limits.h"
#include "suites/protocol_suite.h"
#include "suites/workers_suite.h"
#include "suites/workload_suite.h"

// planted_rows.inc has a row for each line of bugs.txt: the entry of the program without the bug,
// the one that the build made of it, and the line. Each entry is like the one that it was.
#define POLLUX_PLANTED(like, entry, ...) extern "C" decltype(like) entry;
#include "planted/planted_rows.inc"
#undef POLLUX_PLANTED

namespace pollux::properties {
namespace {

// By the kind of program. A suite lives as long as the process.
[[maybe_unused]] const Suite* make_suite(const char* name, const char* description, Subject entry) {
  return new WorkloadSuite({name, description, entry, kNetpollLimits, true});
}
[[maybe_unused]] const Suite* make_suite(const char* name, const char* description,
                                         ProtocolProgram entry) {
  return new ProtocolSuite({name, description, entry, true});
}
// Jobs that reach what generated ones hardly ever do; the program in bugs.txt is their name.
struct Jobs {
  std::string_view program;
  const char* text;
};
constexpr Jobs kJobs[] = {
    // One worker is about to poll while the other makes work for it and then waits for that work.
    {"jobs-wake", "w2;m;j[p0,b1];j[a0,p1,p2];j[r2]"},
    // One poll finds two that can run; the first keeps the worker until the second has run.
    {"jobs-batch", "w2;m;j[r0,b2];j[r1,p2];j[p0,p1]"},
    // Both workers are busy for so long that the monitor polls, and then have nothing to do.
    {"jobs-monitor", "w2;m;j[p0,h11000us];j[h11000us];j[r0]"},
    // A job that yields goes behind one that keeps the worker; the other worker is about to idle.
    {"jobs-yield", "w2;j[b0];j[y,t0]"},
    // Enough of them in the global queue that a worker takes several, and is kept by the first.
    {"jobs-share", "w3;j[y,b0];j[y,b1];j[y];j[y];j[y];j[y,p0,p1]"},
    // A poll ends, and its worker is kept. Another worker runs the timer of its target, arms a new
    // one and is kept as well, while a third begins to poll.
    {"jobs-target", "w3;m;j[s10us,t1,b1,p2,p4];j[h12us,p3];j[r3,b2];j[r4]"},
};

[[maybe_unused]] const Suite* make_suite(const char* name, const char* description,
                                         WorkersProgram entry) {
  const char* text = nullptr;
  for (const Jobs& jobs : kJobs)
    if (std::string_view(name).starts_with(std::string(jobs.program) + "-")) text = jobs.text;
  return new WorkersSuite({name, description, entry, true, text});
}

#define POLLUX_PLANTED(like, entry, bug, id, file, program, when, strategy, within, profile, \
                       verdicts, description)                                                \
  {make_suite(program "-" bug, program ": " description, entry),                             \
   bug,                                                                                      \
   id,                                                                                       \
   file,                                                                                     \
   program,                                                                                  \
   description,                                                                              \
   std::string_view(when) == "open",                                                         \
   strategy,                                                                                 \
   within,                                                                                   \
   profile,                                                                                  \
   verdicts},
const PlantedBug kBugs[] = {
#include "planted/planted_rows.inc"
};
#undef POLLUX_PLANTED

const bool registered = [] {
  for (const PlantedBug& bug : kBugs) register_suite(bug.suite);
  return true;
}();

}  // namespace

std::span<const PlantedBug> planted_bugs() { return kBugs; }

bool PlantedBug::equivalent() const { return std::string_view(verdicts) == "equivalent"; }

bool PlantedBug::convicted_by(const RunResult& result) const {
  std::string_view rest = verdicts;
  for (;;) {
    const size_t comma = rest.find(',');
    std::string_view one = rest.substr(0, comma);
    const size_t colon = one.find(':');
    if (one.substr(0, colon) == to_string(result.verdict) &&
        (colon == std::string_view::npos ||
         std::string_view(result.reason).starts_with(std::string(one.substr(colon + 1)) + ":"))) {
      return true;
    }
    if (comma == std::string_view::npos) return false;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace pollux::properties

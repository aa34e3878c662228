// SPDX-License-Identifier: MIT
#include "suites/workers_suite.h"

#include <cstdio>
#include <cstdlib>

#include "generators/jobs_generator.h"
#include "suites/faults_of_run.h"

namespace pollux::properties {
namespace {

// Workloads come from workload() or passed validate(); anything else is the caller's bug.
Jobs parsed(const std::string& text) {
  std::variant<Jobs, std::string> result = parse_jobs(text);
  if (auto* error = std::get_if<std::string>(&result)) {
    std::fprintf(stderr, "pollux: %s\n", error->c_str());
    std::abort();
  }
  return std::get<Jobs>(std::move(result));
}

SlotRegion watched;  // one run at a time in a process

const WorkerHooks kHooks = {
    .fail = [](const char* property, const char* message) { fail(property, message); },
    .ready = release_faults,
    .watch =
        [](const SlotRegion& region) {
          watched = region;
          watch_slots(&watched);
        },
};

}  // namespace

std::string WorkersSuite::workload(uint64_t seed) const {
  return traits_.jobs != nullptr ? traits_.jobs : to_text(jobs_of_seed(seed));
}

std::string WorkersSuite::validate(const std::string& workload) const {
  std::variant<Jobs, std::string> result = parse_jobs(workload);
  auto* error = std::get_if<std::string>(&result);
  return error == nullptr ? "" : *error;
}

std::vector<std::string> WorkersSuite::shrinks(const std::string& workload) const {
  std::vector<std::string> texts;
  for (const Jobs& jobs : smaller_jobs(parsed(workload))) texts.push_back(to_text(jobs));
  return texts;
}

std::string WorkersSuite::describe(const std::string& workload) const {
  return properties::describe(parsed(workload));
}

// Jobs take a second at most. Where the monitor runs it goes on for ever beside jobs that hang.
void WorkersSuite::adjust(const std::string&, RunOptions& options) const {
  options.virtual_time_max_ns = 60'000'000'000;
}

void WorkersSuite::populate(const std::string& workload, World& world) const {
  world.add_thread("main", 0, [jobs = parsed(workload), program = traits_.program] {
    hold_faults();
    program(&jobs, &kHooks);
  });
}

}  // namespace pollux::properties

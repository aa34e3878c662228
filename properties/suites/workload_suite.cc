// SPDX-License-Identifier: MIT
#include "suites/workload_suite.h"

#include <cstdio>
#include <cstdlib>

#include "suites/faults_of_run.h"

namespace pollux::properties {
namespace {

// Workloads come from workload() or passed validate(); anything else is the caller's bug.
Workload parsed(const std::string& text) {
  std::variant<Workload, WorkloadError> result = parse_workload(text);
  if (auto* error = std::get_if<WorkloadError>(&result)) {
    std::fprintf(stderr, "pollux: %s\n", error->message.c_str());
    std::abort();
  }
  return std::get<Workload>(std::move(result));
}

const RefereeHooks kHooks = {
    .fail = [](const char* property,
               const std::string& message) { pollux::fail(property, message); },
    .fault_gives = a_fault_gave,
    .fault_resets = a_fault_reset,
    .ready = release_faults,
    .watch = watch_slots,
};

struct Started {
  Started(const Workload& w) : workload(w), referee(workload, kHooks) {}
  Workload workload;
  Referee referee;
};

}  // namespace

std::string WorkloadSuite::workload(uint64_t seed) const {
  return to_text(workload_of_seed(seed, traits_.limits));
}

std::string WorkloadSuite::validate(const std::string& workload) const {
  std::variant<Workload, WorkloadError> result = parse_workload(workload);
  if (auto* error = std::get_if<WorkloadError>(&result)) return error->message;
  const Workload& w = std::get<Workload>(result);
  if (w.workers > traits_.limits.workers_max)
    return "w (workers) is " + std::to_string(w.workers) + "; suite " + traits_.name +
           " takes at most " + std::to_string(traits_.limits.workers_max);
  return "";
}

std::vector<std::string> WorkloadSuite::shrinks(const std::string& workload) const {
  std::vector<std::string> texts;
  for (const Workload& w : smaller_workloads(parsed(workload), 200)) texts.push_back(to_text(w));
  return texts;
}

std::string WorkloadSuite::describe(const std::string& workload) const {
  return properties::describe(parsed(workload));
}

void WorkloadSuite::adjust(const std::string& workload, RunOptions& options) const {
  const Workload w = parsed(workload);
  options.network.send_buffer_bytes = w.buffer;
  options.network.receive_buffer_bytes = w.buffer;
}

void WorkloadSuite::populate(const std::string& workload, World& world) const {
  start(parsed(workload), world);
}

std::shared_ptr<const Referee> WorkloadSuite::start(const Workload& workload, World& world) const {
  auto started = std::make_shared<Started>(workload);
  world.add_thread("main", 0, [started, subject = traits_.subject] {
    hold_faults();
    subject(&started->workload, &started->referee);
    started->referee.finish();
  });
  return {started, &started->referee};
}

}  // namespace pollux::properties

// SPDX-License-Identifier: MIT
//
// The suites over jobs (models/jobs.h): netpoll's scheduler with all its workers, and the monitor
// of its park slots.
//
//   workers        holds under legal faults
//   jobs-NAME-BUG  planted bugs, each with jobs made to reach it
//   workers-BUG    planted bugs (planted/README.md)
#pragma once

#include "pollux/suite.h"
#include "subjects/workers.h"

namespace pollux::properties {

struct WorkersTraits {
  const char* name;
  const char* description;
  WorkersProgram program;
  bool planted = false;
  const char* jobs = nullptr;  // its only workload, in text form; null: each seed has its own
};

class WorkersSuite final : public Suite {
 public:
  explicit WorkersSuite(const WorkersTraits& traits) : traits_(traits) {}

  std::string_view name() const override { return traits_.name; }
  std::string_view description() const override { return traits_.description; }
  std::string workload(uint64_t seed) const override;
  std::string validate(const std::string& workload) const override;
  std::vector<std::string> shrinks(const std::string& workload) const override;
  std::string describe(const std::string& workload) const override;
  void adjust(const std::string& workload, RunOptions& options) const override;
  void populate(const std::string& workload, World& world) const override;
  bool planted() const override { return traits_.planted; }

 private:
  WorkersTraits traits_;
};

}  // namespace pollux::properties

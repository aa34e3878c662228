// SPDX-License-Identifier: MIT
//
// The suites over workloads: one for each subject, all with the same properties (models/referee.h)
// and, for netpoll, the monitor of its park slots.
//
//   netpoll, asio    hold under legal faults
//   netpoll-BUG      planted bugs (planted/README.md)
#pragma once

#include <memory>

#include "generators/workload_generator.h"
#include "pollux/suite.h"
#include "subjects/subject.h"

namespace pollux::properties {

struct SuiteTraits {
  const char* name;
  const char* description;
  Subject subject;
  WorkloadLimits limits;
  bool planted = false;
};

class WorkloadSuite final : public Suite {
 public:
  explicit WorkloadSuite(const SuiteTraits& traits) : traits_(traits) {}

  std::string_view name() const override { return traits_.name; }
  std::string_view description() const override { return traits_.description; }
  std::string workload(uint64_t seed) const override;
  std::string validate(const std::string& workload) const override;
  std::vector<std::string> shrinks(const std::string& workload) const override;
  std::string describe(const std::string& workload) const override;
  void adjust(const std::string& workload, RunOptions& options) const override;
  void populate(const std::string& workload, World& world) const override;
  bool planted() const override { return traits_.planted; }

  const WorkloadLimits& limits() const { return traits_.limits; }

  // As populate; the referee can be asked what the program saw after the run.
  std::shared_ptr<const Referee> start(const Workload& workload, World& world) const;

 private:
  SuiteTraits traits_;
};

}  // namespace pollux::properties

// SPDX-License-Identifier: MIT
//
// One run of a suite on the twin, for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "pollux/choice.h"
#include "pollux/faults/profile.h"
#include "suites/workload_suite.h"

namespace pollux::properties {

inline faults::Profile load_profile(const std::string& name) {
  auto result = faults::load_profile(name);
  if (auto* error = std::get_if<faults::ProfileError>(&result)) {
    ADD_FAILURE() << error->message;
    return {};
  }
  return std::get<faults::Profile>(std::move(result));
}

// `adjust` has the last word on the options.
inline RunResult run_case(
    const Suite& suite, const std::string& workload, uint64_t seed, const faults::Profile& profile,
    const std::function<void(RunOptions&)>& adjust = [](RunOptions&) {}) {
  std::vector<double> rates(faults::points().size(), 0.0);
  RunOptions options;
  for (const faults::ProfileFault& fault : profile.faults) {
    rates[fault.point] = fault.rate;
    options.fault_points.push_back(fault.point);
  }
  std::unique_ptr<Strategy> strategy = make_random_strategy(seed, std::move(rates), profile.swarm);
  options.strategy = strategy.get();
  suite.adjust(workload, options);
  adjust(options);
  World world(options);
  suite.populate(workload, world);
  return world.run();
}

}  // namespace pollux::properties

// SPDX-License-Identifier: MIT
//
// From a failure to the smallest one that is still the same: same verdict, same property.
//
// Deviations first (delta debugging: Zeller and Hildebrandt, "Simplifying and Isolating
// Failure-Inducing Input", 2002), then each remaining outcome towards the boring one, then the
// workload, and the deviations of the smaller workload again. It can be stopped at any moment: what
// it has then is a failure that was seen to happen.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "run/plan.h"
#include "run/worker.h"

namespace pollux::run {

struct ShrinkRequest {
  Plan plan;  // a failing one
  std::chrono::milliseconds budget{20'000};
  std::chrono::milliseconds soft_budget{2'000};  // enough once there are six deviations or fewer
  unsigned seeds_per_workload = 10;  // tried on a smaller workload when its deviations do not fail
  std::shared_ptr<const Mix> mix;    // that those seeds draw from; null: not tried
};

struct ShrinkResult {
  bool reproduced =
      false;              // false: the plan's own run did not fail, or not by its deviations alone
  std::string complaint;  // why it was not reproduced
  Plan plan;              // with explicit deviations
  RunResult result;       // of that plan
  bool died = false;      // its process did not survive: no hash
  size_t deviations_before = 0;
  size_t workload_before = 0;  // characters
  uint64_t runs = 0;
  double seconds = 0;
  bool out_of_time = false;
};

// `progress` is told each improvement in one line.
ShrinkResult shrink(const ShrinkRequest&, Runner&,
                    const std::function<void(const std::string&)>& progress);

}  // namespace pollux::run

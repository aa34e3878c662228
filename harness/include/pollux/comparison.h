// SPDX-License-Identifier: MIT
//
// A comparison: the same workloads under the same seeds and faults on several subjects, as a table.
//
// `pollux compare` prints what is registered; the harness itself has none.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pollux/faults/profile.h"

namespace pollux {

struct ComparisonRequest {
  uint64_t first_seed = 0;
  uint64_t end_seed = 0;  // exclusive
  faults::Profile profile;
  // To be called now and then; false: stop and return the rows so far.
  std::function<bool(double share)> progress;
};

class Comparison {
 public:
  virtual ~Comparison() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view description() const = 0;
  // Heads of the columns; the first column names the row.
  virtual std::vector<std::string> columns() const = 0;
  // One cell per column each. Runs that may crash belong into child processes.
  virtual std::vector<std::vector<std::string>> rows(const ComparisonRequest&) const = 0;
};

// As with suites: once, from a static object's constructor or from main. Not owned.
void register_comparison(const Comparison*);
const std::vector<const Comparison*>& comparisons();

}  // namespace pollux

// SPDX-License-Identifier: MIT
//
// Jobs from seeds, and smaller ones from failing ones.
#pragma once

#include <cstdint>
#include <vector>

#include "models/jobs.h"

namespace pollux::properties {

// The same in every build. Few jobs and few steps: what matters happens between two of them.
Jobs jobs_of_seed(uint64_t seed);

// Smaller jobs that keep the rules, most promising first.
std::vector<Jobs> smaller_jobs(const Jobs&);

}  // namespace pollux::properties

// SPDX-License-Identifier: MIT
//
// Workloads from seeds, and smaller ones from failing ones; both by RapidCheck.
#pragma once

#include <rapidcheck.h>

#include <cstdint>
#include <vector>

#include "models/workload.h"

namespace pollux::properties {

// What a subject can do.
struct WorkloadLimits {
  uint32_t workers_max = 4;  // 1, 2 or 4
  bool two_readers = true;   // f: may two reads of one socket wait at the same time?
};

// Small programs: 1 to 4 connections, 0 to 6 records each; bytes mostly few, at times beyond the
// socket buffers; times from below a network round trip to well above.
rc::Gen<Workload> arbitrary_workload(const WorkloadLimits& limits);

// The workload of `seed`: the same in every build.
Workload workload_of_seed(uint64_t seed, const WorkloadLimits& limits);

// Smaller workloads that keep the rules, most promising first: without connections, without
// records, simpler head, smaller arguments. At most `most`.
std::vector<Workload> smaller_workloads(const Workload& workload, size_t most);

}  // namespace pollux::properties

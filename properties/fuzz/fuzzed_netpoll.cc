// SPDX-License-Identifier: MIT
//
// The suite netpoll by itself, for a fuzzer.
#include "suites/limits.h"
#include "suites/workload_suite.h"

namespace pollux::properties {
namespace {

const WorkloadSuite kSuite({.name = "netpoll",
                            .description = "netpoll carries out generated workloads",
                            .subject = pollux_subject_netpoll,
                            .limits = kNetpollLimits});

const bool registered = (register_suite(&kSuite), true);

}  // namespace
}  // namespace pollux::properties

// SPDX-License-Identifier: MIT
//
// What `pollux run` finds. Linked as an object, so that the constructors are not left out.
#include "suites/limits.h"
#include "suites/workers_suite.h"
#include "suites/workload_suite.h"

namespace pollux::properties {
namespace {

const WorkloadSuite kSuites[] = {
    WorkloadSuite({.name = "netpoll",
                   .description = "netpoll carries out generated workloads of TCP connections",
                   .subject = pollux_subject_netpoll,
                   .limits = kNetpollLimits}),
    WorkloadSuite({.name = "asio",
                   .description = "Boost.Asio carries out the same workloads",
                   .subject = pollux_subject_asio,
                   .limits = kAsioLimits}),
};

const WorkersSuite kWorkers(
    {.name = "workers",
     .description = "netpoll's scheduler runs generated jobs that wait for each other",
     .program = pollux_subject_workers});

const bool registered = [] {
  register_suite(&kWorkers);
  for (const WorkloadSuite& suite : kSuites) register_suite(&suite);
  return true;
}();

}  // namespace
}  // namespace pollux::properties

// SPDX-License-Identifier: MIT
//
// What `pollux run` finds. Linked as an object, so that the constructors are not left out.
#include "suites/limits.h"
#include "suites/network_suite.h"
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

const NetworkSuite kNetworks[] = {
    NetworkSuite(
        {.name = "network-netpoll",
         .description = "clients on hosts of their own, a bad network, a server on netpoll",
         .server = pollux_network_server_netpoll}),
    NetworkSuite({.name = "network-asio",
                  .description = "the same with a server on Boost.Asio",
                  .server = pollux_network_server_asio}),
    NetworkSuite(
        {.name = "network-netpoll-forgets",
         .description = "its server sets no deadline: hangs when a peer is gone in silence",
         .server = pollux_network_server_netpoll,
         .forgets_deadline = true}),
    NetworkSuite(
        {.name = "network-asio-forgets",
         .description = "its server sets no deadline: hangs when a peer is gone in silence",
         .server = pollux_network_server_asio,
         .forgets_deadline = true}),
};

const bool registered = [] {
  for (const NetworkSuite& suite : kNetworks) register_suite(&suite);
  register_suite(&kWorkers);
  for (const WorkloadSuite& suite : kSuites) register_suite(&suite);
  return true;
}();

}  // namespace
}  // namespace pollux::properties

// SPDX-License-Identifier: MIT
//
// What `pollux run` finds. Linked as an object, so that the constructors are not left out.
#include "suites/workload_suite.h"

namespace pollux::properties {
namespace {

// Asio is explored with one and two threads in its io_context. Its workloads are without two reads
// that wait on one socket: at a reset or at the end of the stream Asio 1.81 completes only the
// first and waits for an edge that no kernel owes (epoll_reactor's perform_io stops at a read of 0
// bytes). On Linux it is the same. The comparison shows it, see "two readers" in compare.cc.
constexpr WorkloadLimits kNetpollLimits = {.workers_max = 4};
constexpr WorkloadLimits kAsioLimits = {.workers_max = 2, .two_readers = false};

const WorkloadSuite kSuites[] = {
    WorkloadSuite({.name = "netpoll",
                   .description = "netpoll carries out generated workloads of TCP connections",
                   .subject = pollux_subject_netpoll,
                   .limits = kNetpollLimits}),
    WorkloadSuite({.name = "asio",
                   .description = "Boost.Asio carries out the same workloads",
                   .subject = pollux_subject_asio,
                   .limits = kAsioLimits}),
    WorkloadSuite({.name = "netpoll-no-recheck",
                   .description = "netpoll that parks without a second look at close and deadline",
                   .subject = pollux_subject_netpoll_no_recheck,
                   .limits = kNetpollLimits,
                   .planted = true}),
    WorkloadSuite({.name = "netpoll-drop-nil",
                   .description = "netpoll that drops readiness which comes while nobody waits",
                   .subject = pollux_subject_netpoll_drop_nil,
                   .limits = kNetpollLimits,
                   .planted = true}),
    WorkloadSuite({.name = "netpoll-econnaborted",
                   .description = "netpoll whose accept returns ECONNABORTED to its caller",
                   .subject = pollux_subject_netpoll_econnaborted,
                   .limits = kNetpollLimits,
                   .planted = true}),
};

const bool registered = [] {
  for (const WorkloadSuite& suite : kSuites) register_suite(&suite);
  return true;
}();

}  // namespace
}  // namespace pollux::properties

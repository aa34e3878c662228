// SPDX-License-Identifier: MIT
//
// What workloads the suites take.
#pragma once

#include "generators/workload_generator.h"

namespace pollux::properties {

inline constexpr WorkloadLimits kNetpollLimits = {.workers_max = 4};

// Asio is explored with one and two threads in its io_context. Its workloads are without two reads
// that wait on one socket: at a reset or at the end of the stream Asio 1.81 completes only the
// first and waits for an edge that no kernel owes (epoll_reactor's perform_io stops at a read of 0
// bytes). On Linux it is the same. The comparison shows it, see "two readers" in compare.cc.
inline constexpr WorkloadLimits kAsioLimits = {.workers_max = 2, .two_readers = false};

}  // namespace pollux::properties

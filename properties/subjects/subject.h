// SPDX-License-Identifier: MIT
//
// Subjects: programs that carry a workload out. Each is compiled as users compile the library under
// test, joined to one object, and reached through one C symbol.
//
// A subject runs on whatever kernel stands behind libc: the twin inside of a run, Linux elsewhere.
// It returns when everything that it started has ended.
#pragma once

#include "models/referee.h"
#include "models/workload.h"

namespace pollux::properties {

using Subject = void (*)(const Workload*, Referee*);

}  // namespace pollux::properties

extern "C" {
void pollux_subject_netpoll(const pollux::properties::Workload*, pollux::properties::Referee*);
void pollux_subject_asio(const pollux::properties::Workload*, pollux::properties::Referee*);
}

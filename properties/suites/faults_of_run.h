// SPDX-License-Identifier: MIT
//
// The faults of the run that is on, as the referee needs to know them. For code inside a run.
#pragma once

namespace pollux::properties {

// Did a fault of this run give that errno to the program?
bool a_fault_gave(int error);

// Did a fault of this run reset a connection, so that either end may find it dead?
bool a_fault_reset();

// No fault happens until release_faults(). For the time in which a program sets up what it can not
// do without.
void hold_faults();
void release_faults();

}  // namespace pollux::properties

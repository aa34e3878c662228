// SPDX-License-Identifier: MIT
#pragma once

namespace pollux::cli {

// Its main has returned, or it has called exit(3); exit handlers come next.
void program_returns();

// The program under `pollux exec` is about to exit by itself: takes the verdict. Returns; does
// nothing in a process that the program forked, or when no run is on.
void program_exits(int status);

}  // namespace pollux::cli

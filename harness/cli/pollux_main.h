// SPDX-License-Identifier: MIT
//
// The `pollux` command. A program that links suites and calls this from main is a `pollux` of its
// own: the suites register themselves, the command finds them by name.
#pragma once

namespace pollux {

// Returns the exit code (pollux/verdict.h, namespace exit_code).
int pollux_main(int argc, char** argv);

}  // namespace pollux

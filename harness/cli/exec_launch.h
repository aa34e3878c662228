// SPDX-License-Identifier: MIT
//
// How a program of `pollux exec` is started: what is preloaded into it, and an environment that
// leaves every address where it always is.
#pragma once

#include <string>

#include "cli/exec_workload.h"

namespace pollux::cli {

// The program finds what parent and child share through the descriptor that kExecVariable names,
// and takes it out of its environment before main.
inline constexpr const char* kExecVariable = "POLLUX_EXEC";
// How many characters of LD_PRELOAD are ours; the program shall see the others only.
inline constexpr const char* kPreloadVariable = "POLLUX_PRELOADED";
// Fills the program's arguments and environment up to always the same size: where its stack begins
// depends on it, and addresses must not differ from one user's environment to another's.
inline constexpr const char* kPaddingVariable = "POLLUX_PADDING";
inline constexpr const char* kEvenVariable = "POLLUX_EVEN";

// "1": the program's heap begins with a block of kMovedBytes that nobody wants (exec_malloc.cc).
inline constexpr const char* kMovedVariable = "POLLUX_MOVED";
inline constexpr size_t kMovedBytes = 4096;

// libpollux.so; empty when it is nowhere to be found.
std::string preload_library();

// What to preload into `program`, colon between: the library, and an empty one under the name of
// each ThreadSanitizer runtime that the program asks for, so that the loader has it already and the
// functions are found in ours. Throws UsageError when one of them is not there.
std::string preloads_for(const std::string& program);

// In a child: becomes the program, with the file of `descriptor` open. Only returns when it failed.
// `moved`: at other addresses than always. The stack and what is in the heap are further down or
// up, and the kernel places mappings upwards, so that two of them compare the other way round.
void become(const ExecWorkload&, const std::string& preloads, int descriptor, bool moved);

}  // namespace pollux::cli

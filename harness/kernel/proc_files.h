// SPDX-License-Identifier: MIT
//
// The files of /proc and /sys, as far as they tell a program about itself and its machine. The real
// ones are hidden inputs: the process's number, what else runs, how much memory is free.
#pragma once

#include <optional>

#include "kernel/calls.h"

namespace pollux::kernel {

// What a call with a path gets when the path leads there: a result or -errno. Nothing: the path is
// an ordinary one. An opened file is a real one, in memory, that nobody can write to.
//
// A file that exists on this machine and has no content here ends the run with its name.
std::optional<long> answer_from_proc(long number, const Arguments&);

// Does the path of this call lead to /proc or /sys?
bool leads_to_proc(long number, const Arguments&);

}  // namespace pollux::kernel

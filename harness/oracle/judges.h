// SPDX-License-Identifier: MIT
//
// Judges: verdicts that need no knowledge of the program. They are exact because time is virtual
// and the kernel is ours.
#pragma once

#include <cstdint>
#include <string>

#include "pollux/verdict.h"

namespace pollux::oracle {

struct Finding {
  Verdict verdict;
  std::string reason;
};

// Nothing can run and nothing is due, or virtual time is used up while somebody still waits: who is
// to blame? A descriptor that is ready and wanted by nobody's doing is a lost wake-up, anything
// else a deadlock.
Finding judge_stuck_run();

// All threads returned. Held, or leaked descriptors.
Finding judge_ended_run();

// Memory of the program that nothing points to (explore/leaks.h): first a look, when the program
// has ended and nothing has been taken down yet; then held, or what was lost and has not been freed
// since. `stack`: from here upwards the current stack is in use.
void look_for_lost_memory(uintptr_t stack);
Finding judge_memory();

// Threads, sockets and epoll sets as they are now; several lines.
std::string describe_world();

}  // namespace pollux::oracle

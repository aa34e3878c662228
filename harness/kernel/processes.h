// SPDX-License-Identifier: MIT
//
// fork(2) and what follows from it, as the twin's files share it. Told in processes.cc.
#pragma once

#include <csignal>

#include "kernel/file.h"
#include "kernel/state.h"

namespace pollux::kernel {

// A run begins: there is one process.
void reset_processes();

// A descriptor of a process that forked, or was forked, is about to be used. Ends the run when the
// same object has been used by another process: each has a copy of its own, which Linux has not.
void claim_shared(File*);
inline void claim(File* file) {
  if (__builtin_expect(state.forked, 0) && file != nullptr) claim_shared(file);
}

// The current process, forked by another, ends now with that wait status: its parent learns of it.
// All that is left to do is to exit.
void end_child(int wait_status);

// The other process of the run that has that id, for kill(2); explore::kNoProcess: none.
unsigned find_other_process(long id);
// kill(2) to another process. 0, or what kill answers.
long send_to_other_process(unsigned slot, int signal);
// The same to the other members of a process group; true if there are any.
bool send_to_group(long group, int signal);

// --- process_ids.cc
long own_group();

}  // namespace pollux::kernel

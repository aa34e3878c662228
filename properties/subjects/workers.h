// SPDX-License-Identifier: MIT
//
// A program that carries jobs out on netpoll's scheduler, and checks what each step gave.
#pragma once

#include "models/jobs.h"
#include "models/slot_monitor.h"

namespace pollux::properties {

// How the program reaches the run that it is part of.
struct WorkerHooks {
  void (*fail)(const char* property, const char* message);  // ends the run; does not return
  void (*ready)();                                          // it has its poller: faults may happen
  void (*watch)(const SlotRegion&);                         // its poll descriptors
};

using WorkersProgram = void (*)(const Jobs*, const WorkerHooks*);

}  // namespace pollux::properties

extern "C" {
// Returns when all jobs have ended; what does not end is for the judges.
void pollux_subject_workers(const pollux::properties::Jobs*,
                            const pollux::properties::WorkerHooks*);
}

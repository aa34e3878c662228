// SPDX-License-Identifier: MIT
//
// Processes of one run: what fork(2) makes in process mode (pollux exec).
//
// Each is a real process with a copy of the whole world of its own: threads, descriptors, clock,
// choices. What they have in common is one table in shared memory, and the turn: at any time
// exactly one of them runs, the others sleep until it is theirs. So the processes of a run are
// interleaved by the run alone, never by the machine.
//
// Whose turn it is follows from the clocks: it is that of the process whose next step is due first.
// One that runs gives the turn away when it is ahead of another by more than a slice, whose length
// is a choice (process/slice), or when it has nothing to do until another one has.
//
// Threads: on the carrier, gate closed.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "explore/timeline.h"

namespace pollux::explore {

inline constexpr unsigned kProcessesMax = 64;  // at a time; slots are used again
inline constexpr unsigned kNoProcess = ~0u;
inline constexpr unsigned kRootProcess = 0;

enum class ProcessState : uint8_t { free, alive, ended };

// In shared memory; who has the turn may read and write all of it.
struct Process {
  ProcessState state;
  bool told;         // its parent knows that it ended
  unsigned parent;   // kNoProcess: its parent has ended
  uint32_t serial;   // how manieth process of the run; the root is 0
  long id, group;    // its process id and that of its group, as the program knows them
  long session;      // 0: that of the first one
  Time due;          // when it goes on by itself at the earliest; kNever: not before somebody
                     // tells it something
  Time told_at;      // when somebody last did
  int status;        // once it has ended: as wait4(2) tells it
  uint64_t signals;  // sent to it by other processes, a bit each (number - 1)
  long signals_from[64];
  std::atomic<pid_t> real;
};

// Is there, or has there been, another process than the root?
bool forked();
unsigned own_process();
Process& process(unsigned slot);
inline bool in_child() { return forked() && own_process() != kRootProcess; }

// What the twin does about them. Called by who has the turn.
class ProcessEvents {
 public:
  // The turn has come (back): pipes, children, signals may have news. Wakes threads.
  virtual void turn_came() = 0;
  // In a new child: what it does not inherit is forgotten. Called before anything of it runs.
  virtual void child_began() = 0;
  // The process in that slot has died without a word: its ends of what is shared are let go.
  virtual void died(unsigned slot) = 0;

 protected:
  ~ProcessEvents() = default;
};
void set_process_events(ProcessEvents*);

// --- Making one.

// The slot of a child that the current process is about to fork; kNoProcess when there is none
// left. Maps the table when it is the first. `root_id` is the process id of the root.
unsigned reserve_process(long root_id);
// The fork failed.
void give_back_process(unsigned slot);
// Right before and after the fork itself. In the child the latter comes back with the turn.
void fork_begins(unsigned slot);
bool is_forking();
void fork_ended_in_child();
// In the parent: the child takes part in the run from here on.
void process_begins(unsigned slot, pid_t real);
// Shared memory of the run, zeroed, at the same address in each of its processes; never given back.
void* shared_memory(size_t bytes);

// --- Running.

// Something has happened that is news to that process: it is due now.
void tell_process(unsigned slot);
// Another process acted at `when`: this one's clock does not stay behind it.
void catch_up(Time when);
// The current process has ended with that wait status. Gives the turn away for good and returns:
// all that is left to do is to exit.
void end_process(int status);
// The same for another one.
void end_other_process(unsigned slot, int status);
// Its parent knows: the slot is free. Waits until the real process is gone.
void bury_process(unsigned slot);

// --- The end of the run.

// The run has ended here: the others exit without a word.
void end_other_processes();
// Once one has forked: lines that processes left when they gave the turn away, in order.
std::string lines_of_processes();
// One line on what the other living processes wait for; empty when there are none.
std::string other_processes();

}  // namespace pollux::explore

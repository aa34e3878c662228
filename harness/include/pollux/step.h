// SPDX-License-Identifier: MIT
//
// The steps of one run as values: who did what, where in the code, and what it read or changed.
//
// A run keeps them on request only (RunOptions::log_steps): it takes some microseconds and two
// hundred bytes for each. A step is numbered by the run's scheduling points, so a number means the
// same in each run of the same choices. Code is named by (module << 40 | offset), which does not
// depend on where a module was mapped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pollux/choice.h"

namespace pollux {

enum class StepKind : uint8_t {
  read,     // of memory: a load, or with plain points any read
  write,    // a store
  update,   // exchange, fetch_op
  compare,  // compare-exchange, whether it took or not
  fence,
  call,    // into the kernel
  object,  // an operation on a mutex, condition variable, thread ...
  begin,   // of a thread
  end,
  packet,  // that the network delivers, drops or keeps back; its thread is kNetwork
};

struct Step {
  static constexpr unsigned kFds = 6;

  uint64_t arrived = 0;  // point at which the thread stood in front of it
  uint64_t number = 0;   // point after which it did it; later when the thread was switched away.
                         // 0: the run ended first
  int64_t time_ns = 0;   // virtual, when it was done
  uint64_t ordinal = 0;  // of the thread's choice at point, made in front of the step
  uint64_t place = 0;    // code: module << 40 | offset; the number of a call or object operation
  uint64_t address = 0;  // of the memory or thread object; 0 for kernel calls
  uint64_t before = 0;   // value in memory, `size` <= 8 bytes of it; of a read what it read
  uint64_t after = 0;
  uint32_t stack = 0;  // index into StepLog::frames of a count and so many places
  uint32_t text = 0;   // 1 + index into StepLog::texts; 0: none
  uint32_t wait = 0;   // the same: what the thread waited for within the step, "io"
  Actor thread = 0;
  StepKind kind = StepKind::read;
  uint8_t size = 0;
  uint8_t fd_count = 0;
  bool stale = false;      // weak memory: `before` is not the newest, which is in `after`
  int32_t fds[kFds] = {};  // descriptors that a call is about
};

// A choice that was not boring, and the step in front of or within which its actor made it.
struct ChoiceMade {
  uint64_t number = 0;  // of points so far
  int64_t time_ns = 0;
  uint32_t step = 0;  // index into StepLog::steps; UINT32_MAX: between steps (the network)
};

// A word that the program is watched by (watch_atomics), as it was at the end.
struct WatchedWord {
  uint64_t address = 0;
  std::string name;      // "rg of poll_desc 1 (fd 68)"; empty: a word of no interest
  std::string value;     // "READY"
  int32_t fd = -1;       // the descriptor that it belongs to
  bool waiting = false;  // somebody waits there
};

struct StepLog {
  std::vector<Step> steps;       // by arrival
  std::vector<ChoiceMade> made;  // parallel to RunResult::deviations
  std::vector<uint64_t> frames;  // places, innermost first; see Step::stack
  std::vector<std::string> texts;
  std::vector<std::string> modules;  // paths, by number
  std::vector<std::string> threads;  // names, by id
  std::vector<WatchedWord> words;
  std::vector<int32_t> stuck;  // descriptors that the judge of lost wake-ups names
  uint64_t dropped = 0;        // steps from the beginning that did not fit
};

}  // namespace pollux

// SPDX-License-Identifier: MIT
//
// What a judge noticed in a run and what is no failure by itself: the kernel answered as Linux
// does, and the program goes on. With RunOptions::strict the first one ends the run as a violation
// of that name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pollux {

enum class NoteKind : uint8_t {
  double_close,     // close(2) of a number that is closed already: next time it may be another's
  use_after_close,  // any other call on a descriptor number that is closed
  bad_descriptor,   // ... that never was one; close(-1) is not counted
  bad_address,      // EFAULT
  bad_size,         // a transfer of a negative number of bytes
  lock_order,  // mutexes are locked in an order that closes a circle: with other timing a deadlock
  starvation,  // a thread was woken for a mutex time and again, and others always had it first
};
inline constexpr size_t kNoteKinds = 7;

constexpr std::string_view to_string(NoteKind kind) {
  constexpr std::string_view kNames[kNoteKinds] = {
      "double-close", "use-after-close", "bad-descriptor", "bad-address",
      "bad-size",     "lock-order",      "starvation"};
  return kNames[static_cast<size_t>(kind)];
}

struct JudgeNote {
  NoteKind kind;
  uint64_t count = 0;  // in this run
  std::string first;   // what happened, and in which thread, the first time
};

// "double-close: t1 closes descriptor 66, which main has closed before; 2 such"
inline std::string to_string(const JudgeNote& note) {
  std::string text = std::string(to_string(note.kind)) + ": " + note.first;
  return note.count == 1 ? text : text + "; " + std::to_string(note.count) + " such";
}

}  // namespace pollux

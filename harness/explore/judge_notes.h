// SPDX-License-Identifier: MIT
//
// Where judges leave what they notice during a run (pollux/judge_note.h). The first note of a kind
// keeps its text, later ones are counted. Nothing is allocated. Call with the gate closed.
#pragma once

#include <vector>

#include "pollux/judge_note.h"

namespace pollux::explore {

// `strict`: the first note ends the run.
void begin_notes(bool strict);

// Does not return when the run is strict.
[[gnu::format(printf, 2, 3)]] void take_note(NoteKind, const char* format, ...);

// Of this run, by kind.
std::vector<JudgeNote> notes();

}  // namespace pollux::explore

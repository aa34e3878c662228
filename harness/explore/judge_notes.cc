// SPDX-License-Identifier: MIT
#include "explore/judge_notes.h"

#include <cstdarg>
#include <cstdio>

#include "explore/scheduler.h"
#include "trace/recorder.h"

namespace pollux::explore {
namespace {

struct Kept {
  uint64_t count;
  char first[256];
};
Kept kept[kNoteKinds];
bool is_strict = false;

}  // namespace

void begin_notes(bool strict) {
  is_strict = strict;
  for (Kept& note : kept) note.count = 0;
}

void take_note(NoteKind kind, const char* format, ...) {
  Kept& note = kept[static_cast<size_t>(kind)];
  if (note.count++ != 0 && !trace::recorder.text) return;
  char text[sizeof note.first];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  const std::string name(to_string(kind));
  if (trace::recorder.text) trace::line(trace::What::note, "%s: %s", name.c_str(), text);
  if (note.count != 1) return;
  std::snprintf(note.first, sizeof note.first, "%s", text);
  if (is_strict) end_run(Verdict::violation, name + ": " + text);
}

std::vector<JudgeNote> notes() {
  std::vector<JudgeNote> found;
  for (size_t i = 0; i < kNoteKinds; ++i) {
    if (kept[i].count != 0)
      found.push_back({static_cast<NoteKind>(i), kept[i].count, kept[i].first});
  }
  return found;
}

}  // namespace pollux::explore

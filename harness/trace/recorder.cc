// SPDX-License-Identifier: MIT

#include "trace/recorder.h"

#include <cstdarg>
#include <cstdio>

#include "explore/scheduler.h"

namespace pollux::trace {

explore::NeverDestroyed<Recorder> recorder_storage;

namespace {
LineSink* sink = nullptr;
}  // namespace

void Recorder::begin(bool keep_text, bool keep_steps) {
  hash = 0x504F4C4C5558ull;  // any constant: a run without a step still has a hash
  text = keep_text;
  step_hashes = keep_steps;
  lines.clear();
  steps.clear();
  sink = nullptr;
  keep_lines = keep_text;
}

void set_line_sink(LineSink* wanted) {
  sink = wanted;
  recorder.text = sink != nullptr || recorder.keep_lines;
}

// The grammar is one line per step: "<virtual microseconds> <thread> <what>". "net" is what happens
// while no thread runs: packets that arrive, timers that fire.
void line(What what, const char* format, ...) {
  char body[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(body, sizeof body, format, arguments);
  va_end(arguments);

  const Actor actor = explore::choices().actor();
  if (sink != nullptr) sink->line(actor, what, body);
  if (!recorder.keep_lines) return;
  const char* name = actor == kNetwork ? "net" : explore::thread_info(actor).name;
  char head[96], full_name[64];
  if (recorder.process != 0) {
    std::snprintf(full_name, sizeof full_name, "%ld/%s", recorder.process, name);
    name = full_name;
  }
  std::snprintf(head, sizeof head, "%12.3f %-10s ",
                static_cast<double>(explore::timeline().now()) / 1000.0, name);
  recorder.lines.push_back(std::string(head) + body);
}

void concerns(int fd) {
  if (sink != nullptr) sink->concerns(explore::choices().actor(), fd);
}

}  // namespace pollux::trace

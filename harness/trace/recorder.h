// SPDX-License-Identifier: MIT
//
// What a run did, step by step: a rolling hash always, text and per-step hashes on request.
//
// Only values that are a function of (binary, workload, choices) may be mixed in: no address, no
// real descriptor, no wall time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "explore/never_destroyed.h"
#include "pollux/choice.h"

namespace pollux::trace {

struct Recorder {
  uint64_t hash = 0;
  bool text = false;  // somebody wants lines
  bool keep_lines = false;
  bool step_hashes = false;  // keep the hash after each step
  long process = 0;          // which forked process writes them; 0: the first one
  std::vector<std::string> lines;
  std::vector<uint64_t> steps;

  void begin(bool keep_text, bool keep_steps);  // forgets the sink of lines

  void mix(uint64_t value) {
    uint64_t mixed = (hash ^ value) * 0x9E3779B97F4A7C15ull;
    hash = mixed ^ (mixed >> 29);
  }
  void mix_bytes(const void* data, size_t size) {
    const char* at = static_cast<const char*>(data);
    uint64_t word;
    for (; size >= 8; size -= 8, at += 8) {
      std::memcpy(&word, at, 8);
      mix(word);
    }
    word = 0;
    if (size != 0) {
      std::memcpy(&word, at, size);
      mix(word);
    }
  }
  // Marks the end of a step (a call, a switch, a fault).
  void step() {
    if (__builtin_expect(step_hashes, 0)) steps.push_back(hash);
  }
};

// The recorder of the run that is on.
extern explore::NeverDestroyed<Recorder> recorder_storage;
static constexpr Recorder& recorder = recorder_storage.value;

enum class What : uint8_t { call, waits, turn, fault, packet, note };

// Who wants the lines as they come, beside `lines`.
class LineSink {
 public:
  virtual ~LineSink() = default;
  virtual void line(Actor, What, const char* text) = 0;
  // The call that the actor is in is about this descriptor.
  virtual void concerns(Actor, int fd) = 0;
};
void set_line_sink(LineSink*);  // null again with the next begin()

// One line of the text trace; call only when recorder.text. printf rules; prefixed with virtual
// time and thread by the implementation.
void line(What, const char* format, ...) __attribute__((format(printf, 2, 3)));
void concerns(int fd);

}  // namespace pollux::trace

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

namespace pollux::trace {

struct Recorder {
  uint64_t hash = 0;
  bool text = false;         // keep lines
  bool step_hashes = false;  // keep the hash after each step
  std::vector<std::string> lines;
  std::vector<uint64_t> steps;

  void begin(bool keep_text, bool keep_steps);

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

// One line of the text trace; call only when recorder.text. printf rules; prefixed with virtual
// time and thread by the implementation.
void line(const char* format, ...) __attribute__((format(printf, 1, 2)));

}  // namespace pollux::trace

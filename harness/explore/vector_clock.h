// SPDX-License-Identifier: MIT
//
// Vector clocks: which steps of which threads lie before a point of a run.
//
// Each thread counts its releases; a step belongs to the count at which it happened, its epoch.
// Thread u's step at count c happens before what thread t does now if t's clock has at least c for
// u. (Fidge, Mattern; epochs as in Flanagan, Freund: "FastTrack", PLDI 2009.)
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "explore/lasting_memory.h"

namespace pollux::explore {

// A thread of a run as clocks know it: unlike slots these are not used again, before the numbers
// run out.
using Tag = uint8_t;
inline constexpr unsigned kTagsMax = 256;

// Trivial, so that tables of clocks can be reset without being visited: cleared is all zero but for
// the memory, which is kept.
struct VectorClock {
  uint32_t* counts = nullptr;
  uint16_t size = 0;  // the counts beyond are 0
  uint16_t capacity = 0;

  uint32_t of(Tag tag) const { return tag < size ? counts[tag] : 0; }
  bool empty() const { return size == 0; }
  void clear() { size = 0; }

  void set(Tag tag, uint32_t count) {
    grow(tag + 1u);
    counts[tag] = count;
  }
  void assign(const VectorClock& other) {
    reserve(other.size);
    size = other.size;
    if (size != 0) std::memcpy(counts, other.counts, size * sizeof *counts);
  }
  void join(const VectorClock& other) {
    grow(other.size);
    for (unsigned i = 0; i < other.size; ++i) counts[i] = std::max(counts[i], other.counts[i]);
  }
  // Some thread's count here is one that `other` has reached; 0 is none.
  bool has_any_within(const VectorClock& other) const {
    unsigned both = std::min(size, other.size);
    for (unsigned i = 0; i < both; ++i) {
      if (counts[i] != 0 && counts[i] <= other.counts[i]) return true;
    }
    return false;
  }

 private:
  void reserve(unsigned wanted) {
    if (wanted <= capacity) return;
    unsigned room = std::max(8u, capacity * 2u);
    while (room < wanted) room *= 2;
    auto* bigger = lasting_array<uint32_t>(room);
    if (size != 0) std::memcpy(bigger, counts, size * sizeof *counts);
    counts = bigger;
    capacity = static_cast<uint16_t>(room);
  }
  void grow(unsigned wanted) {
    if (wanted <= size) return;
    reserve(wanted);
    std::memset(counts + size, 0, (wanted - size) * sizeof *counts);
    size = static_cast<uint16_t>(wanted);
  }
};

// What is passed on where threads synchronise: what happened before, and the last of the seq_cst
// fences that did, counted in their order.
struct View {
  VectorClock clock;
  uint32_t fence = 0;  // 0: none

  bool empty() const { return clock.empty(); }
  void clear() {
    clock.clear();
    fence = 0;
  }
  void assign(const View& other) {
    clock.assign(other.clock);
    fence = other.fence;
  }
  void join(const View& other) {
    clock.join(other.clock);
    fence = std::max(fence, other.fence);
  }
};

}  // namespace pollux::explore

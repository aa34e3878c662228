// SPDX-License-Identifier: MIT
#include "explore/leaks.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>

#include "explore/harness_heap.h"
#include "explore/lock_order.h"
#include "explore/memory_roots.h"
#include "explore/modules.h"
#include "explore/program_heap.h"
#include "explore/state.h"
#include "explore/tracked_heap.h"

// Where there is an allocator of ours: does the program use it?
extern "C" __attribute__((weak)) bool pollux_heap_is_ours();

namespace pollux::explore {
namespace {

constexpr uintptr_t kAddressMask = (uintptr_t{1} << 48) - 1;
constexpr size_t kPlacesMost = 8;

// Which block of a list that is sorted by address holds this one? `end` counts as inside: a pointer
// behind the last element keeps the elements, and no other block begins there.
template <class Block, class Range>
Block* holder_of(std::vector<Block>& blocks, uintptr_t address, Range range_of) {
  auto after =
      std::upper_bound(blocks.begin(), blocks.end(), address,
                       [&](uintptr_t at, const Block& block) { return at < range_of(block).low; });
  if (after == blocks.begin()) return nullptr;
  Block& block = *std::prev(after);
  return address <= range_of(block).high ? &block : nullptr;
}

// Blocks of both heaps, and which of them have been reached.
class Blocks {
 public:
  Blocks() {
    program_heap.visit_blocks([this](ProgramBlock& block) {
      programs_.push_back({&block, false});
    });
    harness_heap.visit_blocks([this](MemoryRange range) { harness_.push_back({range, false}); });
  }

  // All that is reached from the words of `range`; a block of the harness only when `strong`.
  void flood(MemoryRange range, bool strong) {
    scan(range, strong);
    while (!to_scan_.empty()) {
      MemoryRange next = to_scan_.back();
      to_scan_.pop_back();
      scan(next, true);
    }
  }

  template <class Visit>
  void visit_unreached(Visit visit) const {
    for (const Program& program : programs_) {
      if (!program.reached) visit(*program.block);
    }
  }

 private:
  struct Program {
    ProgramBlock* block;
    bool reached;
  };
  struct Harness {
    MemoryRange range;
    bool reached;
  };

  static MemoryRange range_of(const Program& program) { return program.block->range(); }

  void scan(MemoryRange range, bool strong) {
    constexpr uintptr_t kWord = sizeof(uintptr_t);
    for (uintptr_t at = (range.low + kWord - 1) & ~(kWord - 1); at + kWord <= range.high;
         at += kWord) {
      uintptr_t word;
      std::memcpy(&word, reinterpret_cast<const void*>(at), kWord);
      word &= kAddressMask;  // a counter may stand above
      if (word - program_.low < program_.high - program_.low) {
        Program* found = holder_of(programs_, word, range_of);
        if (found == nullptr || found->reached) continue;
        found->reached = true;
        to_scan_.push_back(range_of(*found));
      } else if (strong && word - harness_range_.low < harness_range_.high - harness_range_.low) {
        Harness* found = holder_of(harness_, word, [](const Harness& h) { return h.range; });
        if (found == nullptr || found->reached) continue;
        found->reached = true;
        to_scan_.push_back(found->range);
      }
    }
  }

  const MemoryRange program_ = program_heap.used(), harness_range_ = harness_heap.reserved();
  std::vector<Program> programs_;
  std::vector<Harness> harness_;
  std::vector<MemoryRange> to_scan_;
};

// Blocks that were allocated at the same place, by the same way.
struct Group {
  const ProgramBlock* first;
  size_t count = 0, bytes = 0;
};

std::vector<uintptr_t> frames_of(const ProgramBlock& block) {
  const uintptr_t* end = std::find(block.frames, block.frames + kAllocationFrames, uintptr_t{0});
  return {block.frames, end};
}

// The C++ library allocates in the program's stead, and so does libc.
bool is_go_between(const std::string& place) {
  for (std::string_view library : {"libstdc++.so", "libc++.so", "libc.so", "libpollux.so", "?"}) {
    if (place.starts_with(library)) return true;
  }
  return false;
}

// In process mode: the harness, too, may have allocated where the gate is open.
bool is_ours(const ProgramBlock& block) {
  return place_name(block.frames[0]).starts_with("libpollux.so");
}

std::string place_of(const ProgramBlock& block) {
  std::vector<uintptr_t> frames = frames_of(block);
  for (uintptr_t frame : frames) {
    std::string place = place_name(frame);
    if (!is_go_between(place)) return place;
  }
  return place_name(frames.front());
}

std::string counted_bytes(size_t bytes) {
  return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
}

const char* thread_of(const ProgramBlock& block) {
  return block.thread < kThreadsMax ? state.threads[block.thread].name : "the network";
}

std::string stack_of(const ProgramBlock& block) {
  std::string text;
  for (uintptr_t frame : frames_of(block)) text += "  " + place_name(frame) + "\n";
  return text;
}

// Those that no other lost block points to come first: what they lead to was lost with them.
std::vector<const ProgramBlock*> lost_blocks() {
  std::vector<const ProgramBlock*> lost;
  program_heap.visit_blocks([&](const ProgramBlock& block) {
    if (block.is_lost) lost.push_back(&block);
  });
  std::sort(lost.begin(), lost.end(),
            [](const ProgramBlock* a, const ProgramBlock* b) { return a->ordinal < b->ordinal; });
  std::vector<const ProgramBlock*> by_address = lost;
  std::sort(by_address.begin(), by_address.end());
  std::vector<bool> is_led_to(by_address.size());
  auto range_of = [](const ProgramBlock* block) { return block->range(); };
  for (const ProgramBlock* block : by_address) {
    const MemoryRange range = range_of(block);
    for (uintptr_t at = range.low; at + sizeof at <= range.high; at += sizeof at) {
      uintptr_t word;
      std::memcpy(&word, reinterpret_cast<const void*>(at), sizeof word);
      const ProgramBlock** found = holder_of(by_address, word & kAddressMask, range_of);
      if (found != nullptr && *found != block) is_led_to[found - by_address.data()] = true;
    }
  }
  auto index_of = [&](const ProgramBlock* block) {
    return std::lower_bound(by_address.begin(), by_address.end(), block) - by_address.begin();
  };
  std::stable_partition(lost.begin(), lost.end(),
                        [&](const ProgramBlock* block) { return !is_led_to[index_of(block)]; });
  return lost;
}

}  // namespace

bool can_track_memory() {
  return pollux_heap_is_ours != nullptr && pollux_heap_is_ours() && program_heap.reserve();
}

void begin_tracking() {
  [[maybe_unused]] static const bool noted = [] {
    note_harness_memory(&state_storage, sizeof state_storage);
    note_lock_order_memory();
    for (MemoryRange range : harness_segments())
      note_harness_memory(reinterpret_cast<const void*>(range.low), range.high - range.low);
    return true;
  }();
  program_heap.begin_run();
  has_tracked_memory = true;
  tracks_memory = true;
}

void end_tracking() { tracks_memory = false; }

void mark_lost_blocks(uintptr_t stack, const std::vector<uint64_t>& kept_by_kernel) {
  Blocks blocks;
  visit_roots(stack, [&](MemoryRange range, bool strong) { blocks.flood(range, strong); });
  auto low = reinterpret_cast<uintptr_t>(kept_by_kernel.data());
  blocks.flood({low, low + kept_by_kernel.size() * sizeof(uint64_t)}, true);
  blocks.visit_unreached([](ProgramBlock& block) { block.is_lost = !is_ours(block); });
}

std::optional<LostMemory> lost_memory() {
  const std::vector<const ProgramBlock*> lost = lost_blocks();
  if (lost.empty()) return std::nullopt;
  size_t bytes = 0;
  std::vector<Group> groups;
  std::map<std::vector<uintptr_t>, size_t> known;
  for (const ProgramBlock* block : lost) {
    bytes += block->size;
    auto [at, is_new] = known.try_emplace(frames_of(*block), groups.size());
    if (is_new) groups.push_back({block});
    Group& group = groups[at->second];
    ++group.count;
    group.bytes += block->size;
  }

  LostMemory memory;
  const ProgramBlock& first = *lost.front();
  memory.reason = place_of(first) + ": " + counted_bytes(first.size) + " that " + thread_of(first) +
                  " allocated here (allocation " + std::to_string(first.ordinal) +
                  ") are lost: nothing points to them any more";
  if (lost.size() > 1) {
    memory.reason +=
        "; " + counted_bytes(bytes) + " in " + std::to_string(lost.size()) + " blocks in all";
  }
  for (size_t i = 0; i < groups.size() && i < kPlacesMost; ++i) {
    const Group& group = groups[i];
    memory.details += counted_bytes(group.bytes) + " in " + std::to_string(group.count) +
                      (group.count == 1 ? " block" : " blocks") + ", lost; allocated by " +
                      thread_of(*group.first) + " (allocation " +
                      std::to_string(group.first->ordinal) + ") at:\n" + stack_of(*group.first);
  }
  if (groups.size() > kPlacesMost) {
    memory.details += "and at " + std::to_string(groups.size() - kPlacesMost) + " more places\n";
  }
  return memory;
}

}  // namespace pollux::explore

// SPDX-License-Identifier: MIT
//
// The program's heap in a run that looks for memory that is lost (leaks.h). Otherwise the program
// has the allocator that it always has, and none of this is there.
//
// Each block knows how it came to be. No address is handed out in two runs of a process: a word
// that an earlier run left behind, in memory that was freed since, points to nothing of this one,
// and so what is found does not hang on which runs came before. What is freed is wiped, for the
// same reason: a list's elements are lost when the list is gone, whatever its memory still says.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "explore/block_sizes.h"
#include "explore/memory_range.h"

namespace pollux::explore {

inline constexpr unsigned kAllocationFrames = 12;

// In front of what is handed out.
struct alignas(16) ProgramBlock {
  size_t size;       // that was asked for
  uint64_t ordinal;  // of the allocation, in its run, from 1
  uint8_t size_class;
  uint8_t thread;  // that made it
  uint8_t host;    // of that thread
  bool is_live;
  bool is_gone;                         // with its host
  bool is_lost;                         // nothing pointed to it when it was looked for
  uint32_t before;                      // bytes between this and what is handed out
  uintptr_t frames[kAllocationFrames];  // return addresses, innermost first, 0 behind the last
  ProgramBlock *previous, *next;        // of an earlier run: among those, by address
  ProgramBlock* self;

  uintptr_t address() const { return reinterpret_cast<uintptr_t>(this) + before; }
  MemoryRange range() const { return {address(), address() + size}; }
};
static_assert(sizeof(ProgramBlock) % 16 == 0);

class ProgramHeap {
 public:
  static constexpr size_t kAlignment = 16;  // of any block

  bool has(const void* block) const {
    return reinterpret_cast<uintptr_t>(block) - base_ < reserved_;
  }

  // Address space for it, the first time. False: there is none.
  bool reserve();
  // A run begins: whatever is here is older. Requires reserve().
  void begin_run();

  // The host is off, and its memory is gone with it: none of this is live any more for
  // visit_blocks(). Who has a block may still free it.
  void forget_blocks_of(unsigned host);

  // Null: there is no more. `from` is the return address of the allocator's entry point, where the
  // stack that is kept begins. Requires the gate closed.
  void* take(size_t size, size_t alignment, bool zeroed, uintptr_t from);
  // Aborts when it was given already, like libc's free.
  void give(void* user);
  // In place; false: it does not fit.
  bool resize(void* user, size_t size, uintptr_t from);
  static size_t size_of(const void* user) { return block_of(user)->size; }

  MemoryRange reserved() const { return {base_, base_ + reserved_}; }
  // Of this run, handed out or not.
  MemoryRange used() const { return {base_ + begin_, base_ + used_}; }
  // The live blocks of earlier runs, by address: visit(const ProgramBlock&).
  template <class Visit>
  void visit_older(Visit visit) const {
    for (const ProgramBlock* block = older_first_; block != nullptr; block = block->next)
      visit(*block);
  }
  // The live blocks of this run, by address: visit(ProgramBlock&).
  template <class Visit>
  void visit_blocks(Visit visit) const {
    visit_live([&](ProgramBlock& block) {
      if (!block.is_gone) visit(block);
    });
  }

 private:
  static constexpr size_t kReserved = size_t{4} << 40;
  static constexpr size_t kAlignmentMax = size_t{1} << 30;

  struct FreeBlock {
    ProgramBlock block;
    FreeBlock* next;
  };

  static ProgramBlock* block_of(const void* user) {
    return static_cast<ProgramBlock* const*>(user)[-1];
  }
  // Also those whose host is gone.
  template <class Visit>
  void visit_live(Visit visit) const {
    for (size_t at = begin_; at < used_;) {
      auto& block = *reinterpret_cast<ProgramBlock*>(base_ + at);
      if (block.is_live) visit(block);
      at += size_of_block_class(block.size_class);
    }
  }
  void add_older(ProgramBlock&);
  void remove_older(ProgramBlock&);
  void stamp(ProgramBlock&, uintptr_t from);

  uintptr_t base_ = 0;
  size_t reserved_ = 0;
  size_t begin_ = 0, used_ = 0;  // of this run: offsets
  uint64_t ordinal_ = 0;
  FreeBlock* free_[kBlockClasses] = {};
  ProgramBlock *older_first_ = nullptr, *older_last_ = nullptr;
  std::atomic_flag busy_;
};

extern ProgramHeap program_heap;

}  // namespace pollux::explore

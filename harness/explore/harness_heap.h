// SPDX-License-Identifier: MIT
//
// A heap for what the harness allocates while a run is on, where the program's must not see it: in
// `pollux exec` always (cli/exec_malloc.cc), in a process with other runs when memory that is lost
// is looked for (leaks.h).
//
// It is one reserved range of addresses, so that free() can tell whose a block is. It hands out
// blocks of fixed sizes from a list for each size or else from the end of what is used; blocks are
// never split or joined. Each has a header of 16 bytes at its begin, and a copy right in front of
// what is handed out.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "explore/block_sizes.h"
#include "explore/memory_range.h"

namespace pollux::explore {

class HarnessHeap {
 public:
  static constexpr size_t kAlignment = 16;  // of any block

  bool has(const void* block) const {
    return base_ != nullptr &&
           reinterpret_cast<uintptr_t>(block) - reinterpret_cast<uintptr_t>(base_) < kReserved;
  }

  // Null: there is no more. `alignment`: a power of two.
  void* take(size_t size, size_t alignment = kAlignment);
  void give(void* user);
  static size_t size_of(const void* user) { return header_of(user).size; }

  MemoryRange reserved() const {
    auto low = reinterpret_cast<uintptr_t>(base_);
    return {low, base_ != nullptr ? low + kReserved : low};
  }
  // What is handed out, by address: visit(MemoryRange).
  template <class Visit>
  void visit_blocks(Visit visit) const {
    for (size_t at = 0; at < used_;) {
      const auto& header = *reinterpret_cast<const Header*>(base_ + at);
      if (header.size != kFree) {
        auto low = reinterpret_cast<uintptr_t>(base_) + at + kHeader;
        visit(MemoryRange{low, low + header.before + header.size});
      }
      at += size_of_block_class(header.size_class);
    }
  }

 private:
  static constexpr size_t kReserved = size_t{64} << 30;
  static constexpr size_t kHeader = 16;
  static constexpr size_t kFree = ~size_t{0};

  struct Header {
    uint32_t size_class;
    uint32_t before;  // bytes between the header at the block's begin and the copy
    size_t size;      // that was asked for, or kFree
  };
  static_assert(sizeof(Header) == kHeader);
  struct FreeBlock {
    Header header;
    FreeBlock* next;
  };

  static const Header& header_of(const void* user) { return static_cast<const Header*>(user)[-1]; }
  char* take_block(unsigned size_class);

  char* base_ = nullptr;
  size_t used_ = 0;
  FreeBlock* free_[kBlockClasses] = {};
  std::atomic_flag busy_;
};

extern HarnessHeap harness_heap;

}  // namespace pollux::explore

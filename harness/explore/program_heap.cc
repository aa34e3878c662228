// SPDX-License-Identifier: MIT
#include "explore/program_heap.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "explore/call_stack.h"
#include "explore/scheduler.h"
#include "pollux/shim/raw_system_call.h"

namespace pollux::explore {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kLarge = 1 << 20;  // from here on pages are given back
constexpr unsigned char kWiped = 0xDB;

size_t page_up(size_t size) { return (size + kPage - 1) & ~(kPage - 1); }

void give_pages_back(uintptr_t low, uintptr_t high) {
  low = page_up(low);
  high &= ~(kPage - 1);
  if (low >= high) return;
  shim::raw_system_call(SYS_madvise, static_cast<long>(low), static_cast<long>(high - low),
                        MADV_DONTNEED);
}

uintptr_t begin_of(const ProgramBlock& block) { return reinterpret_cast<uintptr_t>(&block); }
uintptr_t end_of(const ProgramBlock& block) {
  return begin_of(block) + size_of_block_class(block.size_class);
}

}  // namespace

constinit ProgramHeap program_heap;

void ProgramHeap::begin_run() {
  uintptr_t unused = base_ + begin_;
  visit_live([&](ProgramBlock& block) {
    give_pages_back(unused, begin_of(block));
    unused = end_of(block);
    add_older(block);
  });
  give_pages_back(unused, base_ + used_);
  used_ = page_up(used_);
  // Round again, behind what is still in use.
  if (reserved_ - used_ < reserved_ / 8)
    used_ = older_last_ != nullptr ? page_up(end_of(*older_last_)) - base_ : 0;
  begin_ = used_;
  std::memset(free_, 0, sizeof free_);
  ordinal_ = 0;
}

void ProgramHeap::add_older(ProgramBlock& block) {
  block.previous = older_last_;
  block.next = nullptr;
  (older_last_ != nullptr ? older_last_->next : older_first_) = &block;
  older_last_ = &block;
}

// And gives its pages back, unless others have a part of them.
void ProgramHeap::remove_older(ProgramBlock& block) {
  ProgramBlock *previous = block.previous, *next = block.next;
  (previous != nullptr ? previous->next : older_first_) = next;
  (next != nullptr ? next->previous : older_last_) = previous;
  uintptr_t low = begin_of(block) & ~(kPage - 1), high = page_up(end_of(block));
  if (previous != nullptr) low = std::max(low, end_of(*previous));
  if (next != nullptr) high = std::min(high, begin_of(*next));
  give_pages_back(low, high);
}

bool ProgramHeap::reserve() {
  if (reserved_ != 0) return true;
  void* at = ::mmap(nullptr, kReserved, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return false;
  base_ = reinterpret_cast<uintptr_t>(at);
  reserved_ = kReserved;
  return true;
}

void ProgramHeap::stamp(ProgramBlock& block, uintptr_t from) {
  unsigned count = frames_from(from, block.frames);
  if (count == 0) block.frames[count++] = from;
  if (count < kAllocationFrames) block.frames[count] = 0;
  block.thread = static_cast<uint8_t>(current_thread());
  block.host = static_cast<uint8_t>(current_host());
  block.is_gone = block.is_lost = false;
  block.ordinal = ++ordinal_;
}

void ProgramHeap::forget_blocks_of(unsigned host) {
  visit_blocks([host](ProgramBlock& block) { block.is_gone = block.host == host; });
}

void* ProgramHeap::take(size_t size, size_t alignment, bool zeroed, uintptr_t from) {
  if (size > kReserved / 4 || alignment > kAlignmentMax) return nullptr;
  const size_t extra = alignment > kAlignment ? alignment : 0;
  const unsigned size_class = block_class_of(sizeof(FreeBlock) + size + extra);
  HeapLock lock(busy_);
  ProgramBlock* block;
  bool is_new = free_[size_class] == nullptr;
  if (is_new) {
    const size_t bytes = size_of_block_class(size_class);
    if (reserved_ - used_ < bytes) return nullptr;
    block = reinterpret_cast<ProgramBlock*>(base_ + used_);
    used_ += bytes;
  } else {
    block = &free_[size_class]->block;
    free_[size_class] = free_[size_class]->next;
  }
  uintptr_t user = reinterpret_cast<uintptr_t>(block) + sizeof(ProgramBlock);
  if (extra != 0) user = (user + alignment - 1) & ~(alignment - 1);
  block->size_class = static_cast<uint8_t>(size_class);
  block->size = size;
  block->before = static_cast<uint32_t>(user - reinterpret_cast<uintptr_t>(block));
  block->is_live = true;
  block->self = block;
  reinterpret_cast<ProgramBlock**>(user)[-1] = block;
  stamp(*block, from);
  auto* result = reinterpret_cast<void*>(user);
  if (zeroed && !is_new) std::memset(result, 0, size);
  return result;
}

void ProgramHeap::give(void* user) {
  ProgramBlock* block = block_of(user);
  if (block == nullptr || !has(block) || !block->is_live ||
      block->address() != reinterpret_cast<uintptr_t>(user)) {
    std::fputs("free(): no block, or one that is free already\n", stderr);
    std::abort();
  }
  const uintptr_t low = block->address(), high = low + block->size;
  if (block->size >= kLarge) {
    give_pages_back(low, high);
    const uintptr_t first = page_up(low), last = high & ~(kPage - 1);
    std::memset(user, kWiped, first - low);
    std::memset(reinterpret_cast<void*>(last), kWiped, high - last);
  } else {
    std::memset(user, kWiped, block->size);
  }
  HeapLock lock(busy_);
  block->is_live = false;
  // An earlier run's: its address is not used again.
  if (low - base_ < begin_) return remove_older(*block);
  auto* free_block = reinterpret_cast<FreeBlock*>(block);
  free_block->next = free_[block->size_class];
  free_[block->size_class] = free_block;
}

bool ProgramHeap::resize(void* user, size_t size, uintptr_t from) {
  ProgramBlock* block = block_of(user);
  if (block->before + size > size_of_block_class(block->size_class)) return false;
  HeapLock lock(busy_);
  if (size < block->size) std::memset(static_cast<char*>(user) + size, kWiped, block->size - size);
  block->size = size;
  stamp(*block, from);
  return true;
}

}  // namespace pollux::explore

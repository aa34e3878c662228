// SPDX-License-Identifier: MIT
#include "explore/harness_heap.h"

#include <sys/mman.h>

namespace pollux::explore {

constinit HarnessHeap harness_heap;

void* HarnessHeap::take(size_t size, size_t alignment) {
  if (size > kReserved / 4 || alignment > kReserved / 4) return nullptr;
  size_t extra = alignment > kAlignment ? alignment : 0;
  unsigned size_class = block_class_of(size + kHeader + extra);
  HeapLock lock(busy_);
  char* block = take_block(size_class);
  if (block == nullptr) return nullptr;
  auto user = reinterpret_cast<uintptr_t>(block) + kHeader;
  if (extra != 0) user = (user + alignment - 1) & ~(alignment - 1);
  auto* copy = reinterpret_cast<Header*>(user) - 1;
  const Header header = {size_class, static_cast<uint32_t>(reinterpret_cast<char*>(copy) - block),
                         size};
  *reinterpret_cast<Header*>(block) = header;
  *copy = header;
  return reinterpret_cast<void*>(user);
}

void HarnessHeap::give(void* user) {
  const Header header = header_of(user);
  auto* block = reinterpret_cast<FreeBlock*>(static_cast<char*>(user) - kHeader - header.before);
  HeapLock lock(busy_);
  block->header.size = kFree;
  block->next = free_[header.size_class];
  free_[header.size_class] = block;
}

char* HarnessHeap::take_block(unsigned size_class) {
  if (FreeBlock* block = free_[size_class]) {
    free_[size_class] = block->next;
    return reinterpret_cast<char*>(block);
  }
  if (base_ == nullptr) {
    void* at = ::mmap(nullptr, kReserved, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return nullptr;
    base_ = static_cast<char*>(at);
  }
  size_t size = size_of_block_class(size_class);
  if (kReserved - used_ < size) return nullptr;
  char* block = base_ + used_;
  used_ += size;
  return block;
}

}  // namespace pollux::explore

// SPDX-License-Identifier: MIT
#include "count_allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
// Statistics.
std::atomic<uint64_t> made{0};
std::atomic<uint64_t> freed{0};

void give_back(void* p) noexcept {
  if (p) freed.fetch_add(1, std::memory_order_relaxed);
  std::free(p);
}
}  // namespace

void* operator new(size_t size) {
  made.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { give_back(p); }
void operator delete(void* p, size_t) noexcept { give_back(p); }

uint64_t netpoll::testing::allocations() { return made.load(std::memory_order_relaxed); }
int64_t netpoll::testing::live_allocations() {
  return static_cast<int64_t>(made.load(std::memory_order_relaxed) -
                              freed.load(std::memory_order_relaxed));
}

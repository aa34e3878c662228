// SPDX-License-Identifier: MIT
#include "count_allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<uint64_t> count{0};
}

void* operator new(size_t size) {
  count.fetch_add(1, std::memory_order_relaxed);  // a statistic
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }

uint64_t netpoll::testing::allocations() { return count.load(std::memory_order_relaxed); }

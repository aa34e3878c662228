// SPDX-License-Identifier: MIT
//
// What the heaps of the harness have in common: blocks of fixed sizes, four to each power of two,
// and a lock that waits for nobody who needs the run to go on.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace pollux::explore {

inline constexpr unsigned kBlockClasses = 4 * 40;

// The first of the sizes 64, 80, 96, 112, 128, 160, ... that is not smaller.
constexpr unsigned block_class_of(size_t size) {
  if (size <= 64) return 0;
  unsigned log = static_cast<unsigned>(std::bit_width(size - 1)) - 1;  // 2^log <= size - 1
  size_t step = size_t{1} << (log - 2);
  auto quarter = static_cast<unsigned>((size - 1 - (size_t{1} << log)) / step);
  return (log - 6) * 4 + quarter + 1;
}

constexpr size_t size_of_block_class(unsigned size_class) {
  unsigned log = size_class / 4 + 6, quarter = size_class % 4;
  return (size_t{1} << log) + quarter * (size_t{1} << (log - 2));
}

// Real threads that are parked in the harness allocate as they start.
class HeapLock {
 public:
  explicit HeapLock(std::atomic_flag& flag) : flag_(flag) {
    while (flag_.test_and_set(std::memory_order_acquire)) {
    }
  }
  ~HeapLock() { flag_.clear(std::memory_order_release); }
  HeapLock(const HeapLock&) = delete;
  HeapLock& operator=(const HeapLock&) = delete;

 private:
  std::atomic_flag& flag_;
};

}  // namespace pollux::explore

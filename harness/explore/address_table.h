// SPDX-License-Identifier: MIT
//
// What is known of an address in this run. Forgetting all of it at the beginning of the next run
// costs nothing: an entry counts only if it carries the number of the run.
#pragma once

#include <cstdint>

#include "explore/lasting_memory.h"

namespace pollux::explore {

// T is trivial and zeroed when new; T::begin(address) starts a life of one, perhaps after that of
// an earlier run. Entries stay where they are.
template <typename T>
class AddressTable {
 public:
  void reset() {
    ++run_;
    used_ = 0;
  }

  // Null: nothing is known.
  T* find(uintptr_t address) {
    if (slots_ == nullptr) return nullptr;
    Slot& slot = slot_of(address);
    return slot.run == run_ ? slot.entry : nullptr;
  }

  T& get(uintptr_t address) {
    if (2 * used_ >= size_) grow();
    Slot& slot = slot_of(address);
    if (slot.run != run_) {
      if (used_ == made_) make_more();
      slot = {address, run_, entry(used_++)};
      slot.entry->begin(address);
    }
    return *slot.entry;
  }

  // In the order in which they were made.
  template <typename F>
  void for_each(F visit) {
    for (uint32_t i = 0; i < used_; ++i) visit(*entry(i));
  }

 private:
  struct Slot {
    uintptr_t address;
    uint32_t run;
    T* entry;
  };
  static constexpr uint32_t kBlock = 64;  // entries made at a time
  static constexpr uint32_t kBlocks = 1 << 16;

  T* entry(uint32_t i) { return blocks_[i / kBlock] + i % kBlock; }
  void make_more() {
    if (blocks_ == nullptr) blocks_ = lasting_array<T*>(kBlocks);
    if (made_ / kBlock == kBlocks) __builtin_trap();  // four million locations in one run
    blocks_[made_ / kBlock] = lasting_array<T>(kBlock);
    made_ += kBlock;
  }

  Slot& slot_of(uintptr_t address) {
    uint32_t mask = size_ - 1;
    auto at = static_cast<uint32_t>(address * 0x9E3779B97F4A7C15ull >> 32) & mask;
    while (slots_[at].run == run_ && slots_[at].address != address) at = (at + 1) & mask;
    return slots_[at];
  }

  void grow() {
    Slot* old = slots_;
    uint32_t old_size = size_;
    size_ = size_ == 0 ? 256 : size_ * 4;
    slots_ = lasting_array<Slot>(size_);
    for (uint32_t i = 0; i < old_size; ++i) {
      if (old[i].run == run_) slot_of(old[i].address) = old[i];
    }
  }

  Slot* slots_ = nullptr;
  uint32_t size_ = 0;
  uint32_t used_ = 0;
  uint32_t run_ = 0;
  T** blocks_ = nullptr;
  uint32_t made_ = 0;
};

}  // namespace pollux::explore

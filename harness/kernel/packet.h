// SPDX-License-Identifier: MIT
//
// One message: its bytes, in memory that is used again, and a place in a queue.
#pragma once

#include <memory>

#include "kernel/buffers.h"

namespace pollux::kernel {

struct Packet {
  std::unique_ptr<char[]> bytes;
  size_t capacity = 0;
  size_t size = 0;
  uint32_t cost = 0;  // what it counts against the buffers of its socket (skb->truesize)

  void fill(const Buffers& source, size_t wanted) {
    if (wanted > capacity) {
      capacity = wanted < 256 ? 256 : wanted;
      bytes.reset(new char[capacity]);
    }
    size = wanted;
    source.copy_to(0, bytes.get(), size);
  }
};

// First in, first out. P is a Packet with a `P* next`.
template <class P>
class PacketQueue {
 public:
  P* first() const { return first_; }
  bool empty() const { return first_ == nullptr; }
  uint32_t count() const { return count_; }
  uint64_t cost() const { return cost_; }

  void push(P* packet) {
    packet->next = nullptr;
    (last_ != nullptr ? last_->next : first_) = packet;
    last_ = packet;
    ++count_;
    cost_ += packet->cost;
  }
  P* pop() {
    P* packet = first_;
    first_ = packet->next;
    if (first_ == nullptr) last_ = nullptr;
    --count_;
    cost_ -= packet->cost;
    return packet;
  }

 private:
  P* first_ = nullptr;
  P* last_ = nullptr;
  uint32_t count_ = 0;
  uint64_t cost_ = 0;
};

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
//
// A 4-ary heap ordered by (moment, sequence number): equal moments come out in the order in which
// they went in, and half as deep as a binary heap is half as many cache misses when 10,000 timers
// are pending. The heap holds the order only; what is to be done lies still beside it.
//
// Whatever chooses inside an action does so as kNetwork: nobody's program code runs there, and a
// deviation has to keep its name whichever thread happened to be on the carrier.
#include "explore/timeline.h"

#include <algorithm>

#include "explore/check.h"
#include "explore/state.h"

namespace pollux::explore {
namespace {

constexpr size_t kArity = 4;

class NetworkActor {
 public:
  NetworkActor() : saved_(choices().actor()) { choices().set_actor(kNetwork); }
  ~NetworkActor() { choices().set_actor(saved_); }

 private:
  Actor saved_;
};

}  // namespace

void Timeline::reset() {
  now_ = 0;
  told_ = false;
  set_next(kNever);
  sequence_ = 0;
  heap_.clear();
  items_.clear();
  free_.clear();
}

void Timeline::add(Time when, Action action, void* object, uint64_t a, uint64_t b) {
  if (told_ && choices().actor() != kNetwork) touch(kDueObject);
  uint64_t slot = items_.size();
  if (free_.empty()) {
    POLLUX_EXPLORE_CHECK(slot < uint64_t{1} << kSlotBits);
    items_.push_back({action, object, a, b});
  } else {
    slot = free_.back();
    free_.pop_back();
    items_[slot] = {action, object, a, b};
  }
  const Key key =
      static_cast<Key>(static_cast<uint64_t>(when)) << 64 | sequence_++ << kSlotBits | slot;
  size_t at = heap_.size();
  heap_.push_back(key);
  while (at != 0) {
    const size_t parent = (at - 1) / kArity;
    if (heap_[parent] < key) break;
    heap_[at] = heap_[parent];
    at = parent;
  }
  heap_[at] = key;
  if (at == 0) set_next(when);
}

Timeline::Item Timeline::pop() {
  const auto slot = static_cast<uint32_t>(heap_.front()) & ((uint32_t{1} << kSlotBits) - 1);
  const Key last = heap_.back();
  heap_.pop_back();
  const size_t size = heap_.size();
  size_t at = 0;
  for (size_t child = 1; child < size; child = at * kArity + 1) {
    const size_t end = std::min(child + kArity, size);
    size_t least = child;
    for (size_t i = child + 1; i < end; ++i) {
      if (heap_[i] < heap_[least]) least = i;
    }
    if (last < heap_[least]) break;
    heap_[at] = heap_[least];
    at = least;
  }
  if (size != 0) heap_[at] = last;
  set_next(size != 0 ? when(heap_.front()) : kNever);
  free_.push_back(slot);
  return items_[slot];
}

void Timeline::passed() {
  if (told_) touch(kKernelObject);
  if (now_ < next_) return;
  NetworkActor scope;
  while (next_ <= now_ && !heap_.empty()) {
    const Item item = pop();
    item.action(item.object, item.a, item.b);
  }
}

bool Timeline::run_next() {
  if (heap_.empty()) return false;
  NetworkActor scope;
  now_ = std::max(now_, next_);
  const Item item = pop();
  item.action(item.object, item.a, item.b);
  return true;
}

}  // namespace pollux::explore

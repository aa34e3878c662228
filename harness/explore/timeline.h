// SPDX-License-Identifier: MIT
//
// Virtual time: the clock of a run and the moments at which something is due.
//
// Time moves in two ways only: a call of the program spends a little (spend), and when no thread
// can run the clock jumps to the next due moment (run_next). Equal moments happen in the order in
// which they were added, so nothing depends on heap layout or addresses.
//
// An entry can not be taken back. Whoever adds one passes a generation in its arguments and ignores
// the call when the generation is old.
#pragma once

#include <cstdint>
#include <vector>

namespace pollux::explore {

using Time = int64_t;  // nanoseconds since the run began
inline constexpr Time kNever = INT64_MAX;

class Timeline {
 public:
  using Action = void (*)(void* object, uint64_t a, uint64_t b);

  void reset();
  Time now() const { return now_; }

  void add(Time when, Action action, void* object, uint64_t a = 0, uint64_t b = 0);

  // The program worked for `cost`; whatever became due happens now.
  void spend(Time cost) {
    now_ += cost;
    if (now_ >= look_) passed();
  }

  // Jumps to the next due moment and runs one entry. False when there is none.
  bool run_next();

  Time next() const { return next_; }

  // Whether each spend() is an access to the kernel (access.h) that somebody observes.
  void tell_of_spending(bool on) {
    told_ = on;
    look_ = told_ ? INT64_MIN : next_;
  }

 private:
  struct Item {
    Action action;
    void* object;
    uint64_t a, b;
  };
  // (when, sequence number, slot of the item) as one number, in this order: the sequence numbers
  // differ, so the slot decides nothing.
  using Key = unsigned __int128;
  static constexpr unsigned kSlotBits = 24;

  void passed();
  Item pop();
  static Time when(Key key) { return static_cast<Time>(key >> 64); }
  void set_next(Time next) {
    next_ = next;
    if (!told_) look_ = next;
  }

  Time now_ = 0;
  Time next_ = kNever;
  Time look_ = kNever;  // when spend() has more to do than to count
  bool told_ = false;
  uint64_t sequence_ = 0;
  std::vector<Key> heap_;  // 4-ary
  std::vector<Item> items_;
  std::vector<uint32_t> free_;  // slots of items_
};

}  // namespace pollux::explore

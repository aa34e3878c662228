// SPDX-License-Identifier: MIT
//
// A step is what a thread does from one place where somebody else could have been chosen to the
// next. Of each object the last use and the last write by each thread are kept, not just the very
// last one: which of them can be reversed within the bound is not known here.
//
// Not every earlier use can come later. What a thread did before it created, woke or was joined by
// another lies before what that one does next in every schedule in which they do so; such steps are
// left alone. A thread that did not exist at a place is brought about by its creator.
#include "explore/reduction.h"

#include <algorithm>

#include "explore/check.h"

namespace pollux::explore {

uint64_t Reduction::always_tried(const Menu& menu) {
  // After a yield the boring thread is no better than the others.
  bool yields = menu.site == site::kPick && menu.cost != Cost::free;
  return yields ? menu.others : menu.others & uint64_t{1} << kNobody;
}

void Reduction::begin_run() {
  ++run_;
  steps_.clear();
  thread_count_ = 0;
  used_ = 0;
  observe_accesses(this);
}

void Reduction::begin_step(size_t node, Actor thread, bool turn) {
  auto at = static_cast<int32_t>(node);
  Id id = id_of_slot_[thread];
  bool goes_on = !turn && !steps_.empty() && steps_.back().thread == id;
  begin_step({id, at, turn ? at : goes_on ? steps_.back().turn_node : kNone});
}

void Reduction::begin_step(const StepInfo& step) {
  steps_.push_back(step);
  use(step.thread, kTurnObject, false);
}

// The step that `thread` is in. It got there without a choice if the last step is another's.
Reduction::Step Reduction::step_of(Id thread) {
  if (steps_.empty() || steps_.back().thread != thread) begin_step({thread, kNone, kNone});
  return static_cast<Step>(steps_.size()) - 1;
}

void Reduction::created(Actor by, Actor whom) {
  auto id = static_cast<Id>(thread_count_++);
  if (id == threads_.size()) threads_.emplace_back();
  ThreadInfo& thread = threads_[id];
  thread.slot = whom;
  thread.creator = id;
  thread.created = kNone;
  thread.before.clear();
  id_of_slot_[whom] = id;
  if (by == kNetwork) return;
  thread.creator = id_of_slot_[by];
  thread.created = step_of(thread.creator);
  enabled(by, whom);
}

void Reduction::enabled(Actor by, Actor whom) {
  Id from = id_of_slot_[by], to = id_of_slot_[whom];
  if (from == to) return;
  std::vector<Step>& after = threads_[to].before;
  const std::vector<Step>& source = threads_[from].before;
  after.resize(std::max({after.size(), source.size(), size_t{from} + 1}), kNone);
  for (size_t i = 0; i < source.size(); ++i) after[i] = std::max(after[i], source[i]);
  // A thread that has ended gets no step of its own for this.
  Step last = kNone;
  for (Step i = static_cast<Step>(steps_.size()) - 1; i >= 0 && last == kNone; --i) {
    if (steps_[static_cast<size_t>(i)].thread == from) last = i;
  }
  after[from] = std::max(after[from], last);
}

void Reduction::reversible(Step earlier, Id later) {
  const StepInfo& step = steps_[static_cast<size_t>(earlier)];
  const std::vector<Step>& before = threads_[later].before;
  if (step.thread < before.size() && before[step.thread] >= earlier) return;
  Id thread = later;
  while (threads_[thread].created >= earlier) thread = threads_[thread].creator;
  if (thread == step.thread) return;
  Actor slot = threads_[thread].slot;
  if (step.node != kNone) search_.also_try(static_cast<size_t>(step.node), slot);
  if (step.turn_node != kNone && step.turn_node != step.node) {
    search_.also_try(static_cast<size_t>(step.turn_node), slot);
  }
}

void Reduction::touched(Actor actor, Object object, bool writes) {
  use(id_of_slot_[actor], object, writes);
}

void Reduction::use(Id id, Object object, bool writes) {
  Step now = step_of(id);
  Use* own = nullptr;
  std::vector<Use>& uses = location(object).uses;
  for (Use& use : uses) {
    if (use.thread == id) {
      own = &use;
      continue;
    }
    Step earlier = writes ? use.any : use.write;
    if (earlier != kNone) reversible(earlier, id);
  }
  if (own == nullptr) own = &uses.emplace_back(Use{id, kNone, kNone});
  own->any = now;
  if (writes) own->write = now;
}

Reduction::Location& Reduction::location(Object object) {
  if (2 * used_ >= table_.size()) grow();
  size_t mask = table_.size() - 1;
  for (size_t at = (object * 0x9E3779B97F4A7C15ull >> 32) & mask;; at = (at + 1) & mask) {
    Location& location = table_[at];
    if (location.run == run_ && location.object == object) return location;
    if (location.run == run_) continue;
    ++used_;
    location.object = object;
    location.run = run_;
    location.uses.clear();
    return location;
  }
}

void Reduction::grow() {
  std::vector<Location> old(table_.size() * 2);
  old.swap(table_);
  used_ = 0;
  for (Location& from : old) {
    if (from.run == run_) location(from.object).uses = std::move(from.uses);
  }
}

}  // namespace pollux::explore

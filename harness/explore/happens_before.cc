// SPDX-License-Identifier: MIT
//
// Clocks of threads, fences and thread objects.
//
// In a dependence of the reduction's (reduction.h) are also: seq_cst fences with each other and
// with every seq_cst operation, since it is their order that decides what a later load may read.
#include "explore/happens_before.h"

#include <cstdio>

#include "explore/address_table.h"
#include "explore/atomic_history.h"
#include "explore/kernel_order.h"
#include "explore/race_shadow.h"

namespace pollux::explore {
namespace {

struct SyncObject {
  View view;
  void begin(uintptr_t) { view.clear(); }
};

// What lay before each of the last so many seq_cst fences. Of an older one the oldest kept is
// taken, which has more before it and so allows less.
constexpr uint32_t kFencesKept = 1024;

struct Ordering {
  ThreadOrder threads[kTagsMax];
  char names[kTagsMax][16];
  unsigned tags = 0;  // given out in this run
  Tag tag_of_slot[kThreadsMax];
  AddressTable<SyncObject> objects;
  uint32_t fences = 0;
  VectorClock at_fence[kFencesKept];
};
constinit Ordering ordering = {};

void tick(Tag tag) {
  VectorClock& clock = ordering.threads[tag].now.clock;
  clock.set(tag, clock.of(tag) + 1);
}

}  // namespace

Tag current_tag() { return ordering.tag_of_slot[state.current]; }
ThreadOrder& current_order() { return ordering.threads[current_tag()]; }
uint32_t fences() { return ordering.fences; }
const char* name_of(Tag tag) { return ordering.names[tag]; }

bool keeps_order = false;

void kernel_release(const void* object) {
  if (state.races && object != nullptr) slow_release_to(object);
}
void kernel_acquire(const void* object) {
  if (state.races && object != nullptr) slow_acquire_from(object);
}

const VectorClock& at_fence(uint32_t number) {
  bool kept = number + kFencesKept > ordering.fences;
  return ordering.at_fence[(kept ? number : ordering.fences + 1) % kFencesKept];
}

void new_epoch() { tick(current_tag()); }

void begin_order() {
  ordering.tags = 0;
  ordering.fences = 0;
  ordering.objects.reset();
  reset_race_shadow();
  reset_atomic_histories();
}

void order_created(Actor by, Actor whom) {
  // With more threads than tags the last one stands for all that are too many. They are then taken
  // for one thread: races among them are missed, none is made up.
  bool fresh = ordering.tags < kTagsMax;
  if (fresh) ++ordering.tags;
  auto tag = static_cast<Tag>(ordering.tags - 1);
  ordering.tag_of_slot[whom] = tag;
  std::snprintf(ordering.names[tag], sizeof ordering.names[tag], "%s", state.threads[whom].name);
  ThreadOrder& thread = ordering.threads[tag];
  if (fresh) {
    thread.now.clear();
    thread.released.clear();
    thread.pending.clear();
    thread.spurious_failures = 0;
  }
  if (by != kNetwork) {
    Tag parent = ordering.tag_of_slot[by];
    thread.now.join(ordering.threads[parent].now);
    tick(parent);
  }
  tick(tag);
  forget_stack(whom);
}

void order_joined(Actor ended, Actor by) {
  ordering.threads[ordering.tag_of_slot[by]].now.join(
      ordering.threads[ordering.tag_of_slot[ended]].now);
}

void slow_acquire_from(const volatile void* object) {
  SyncObject* known = ordering.objects.find(reinterpret_cast<uintptr_t>(object));
  if (known != nullptr) current_order().now.join(known->view);
}

void slow_release_to(const volatile void* object) {
  ordering.objects.get(reinterpret_cast<uintptr_t>(object)).view.join(current_order().now);
  new_epoch();
}

// [atomics.fences]. A seq_cst fence also takes its place in the order of all seq_cst operations,
// which is the order of execution.
void order_fence(Order order) {
  ThreadOrder& thread = current_order();
  if (acquires(order)) thread.now.join(thread.pending);
  if (order == Order::seq_cst) {
    if (state.observer != nullptr) state.observer->touched(state.current, kFenceObject, true);
    uint32_t before = ordering.fences++;
    VectorClock& clock = ordering.at_fence[ordering.fences % kFencesKept];
    if (before == 0) {
      clock.clear();
    } else {
      clock.assign(ordering.at_fence[before % kFencesKept]);
    }
    clock.join(thread.now.clock);
    thread.now.fence = ordering.fences;
  }
  if (releases(order)) {
    thread.released.assign(thread.now);
    new_epoch();
  }
}

}  // namespace pollux::explore

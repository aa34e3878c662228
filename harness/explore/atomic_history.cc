// SPDX-License-Identifier: MIT
//
// Which stores a load may read: from the newest back to the first one that hides what is older.
// Store k hides the stores before it from a load L if reading one of them would contradict k or a
// read of k. By numbers of C++20 [intro.races] and [atomics.order]:
//
//   coherence  k, or a read of k, happens before L (write-read, read-read; own accesses included)
//   seq_cst    L comes after k in coherence order reversed, that is L is coherence-ordered before k
//              and before whatever read k. If both ends are seq_cst operations, or a fence after
//              (happening before L) or in between (after k or its read) stands in for one, then the
//              total order S must have L's end first; but S is the order of execution, and the
//              other end was executed already. So k hides if
//                L is seq_cst and     k is, or was read by a load that is,
//                                     or k or a read of k happens before a seq_cst fence
//                a fence X happens before L and
//                                     k is seq_cst or was read so, before X
//                                     or k or a read of k happens before a fence Y before X
//
// S and the modification order being the order of execution leaves out some behaviours that C++
// allows, and adds none.
#include "explore/atomic_history.h"

#include "explore/address_table.h"
#include "pollux/shim/gate.h"

namespace pollux::explore {
namespace {

struct Store {
  Value value;
  Tag by;
  uint32_t epoch;     // 0: from before anybody looked
  bool seq_cst;       // it, or
  bool read_seq_cst;  // a read of it
  uint8_t stale_reads;
  uint32_t fences;         // executed before it
  uint32_t fences_read;    // before its first seq_cst read
  VectorClock first_read;  // by thread, the epoch of its first read
  View view;               // what comes to whoever acquires it
};

struct History {
  uintptr_t address;
  size_t size;     // of the accesses; 0: nothing known
  uint32_t count;  // stores ever
  Store stores[kHistory];

  void begin(uintptr_t at) {
    address = at;
    size = 0;
  }
  Store& store(uint32_t number) { return stores[number % kHistory]; }
  Store& newest() { return store(count - 1); }

  Store& add(Value value, Tag by, uint32_t epoch, bool seq_cst) {
    Store& store = this->store(count++);
    store.value = value;
    store.by = by;
    store.epoch = epoch;
    store.seq_cst = seq_cst;
    store.read_seq_cst = false;
    store.stale_reads = 0;
    store.fences = fences();
    store.first_read.clear();
    store.view.clear();
    return store;
  }
};

constinit AddressTable<History> histories = {};

bool known_at(const Store& store, const VectorClock& clock) {
  return store.epoch <= clock.of(store.by) || store.first_read.has_any_within(clock);
}

bool hides_older(const Store& store, const View& now, Order order) {
  if (known_at(store, now.clock)) return true;
  if (order == Order::seq_cst) {
    if (store.seq_cst || store.read_seq_cst) return true;
    if (fences() != 0 && known_at(store, at_fence(fences()))) return true;
  }
  if (now.fence != 0) {
    if (store.seq_cst && store.fences < now.fence) return true;
    if (store.read_seq_cst && store.fences_read < now.fence) return true;
    if (known_at(store, at_fence(now.fence))) return true;
  }
  return false;
}

History& history_of(const volatile void* at, size_t size, Value memory) {
  History& history = histories.get(reinterpret_cast<uintptr_t>(at));
  // Written by something else than an atomic operation: that hides all from everybody.
  if (history.size != size || history.newest().value != memory) {
    history.size = size;
    history.count = 0;
    history.add(memory, 0, 0, false);
  }
  return history;
}

void note_read(Store& store, Order order) {
  ThreadOrder& thread = current_order();
  Tag tag = current_tag();
  if (store.first_read.of(tag) == 0) store.first_read.set(tag, thread.now.clock.of(tag));
  if (order == Order::seq_cst && !store.read_seq_cst) {
    store.read_seq_cst = true;
    store.fences_read = fences();
  }
}

void take_view(const Store& store, Order order) {
  if (store.view.empty()) return;
  ThreadOrder& thread = current_order();
  (acquires(order) ? thread.now : thread.pending).join(store.view);
}

// What the thread's stores pass on.
const View& passed_on(Order order) {
  return releases(order) ? current_order().now : current_order().released;
}

Store& add_own(History& history, Value value, Order order) {
  Tag tag = current_tag();
  return history.add(value, tag, current_order().now.clock.of(tag), order == Order::seq_cst);
}

void observe_seq_cst(Order order) {
  if (order == Order::seq_cst && state.observer != nullptr) {
    state.observer->touched(state.current, kFenceObject, false);
  }
}

}  // namespace

void reset_atomic_histories() { histories.reset(); }

Value history_load(const volatile void* at, size_t size, Value memory, Order order) {
  shim::HarnessScope scope;
  History& history = history_of(at, size, memory);
  uint32_t back = 0;
  if (state.weak_memory) {
    observe_seq_cst(order);
    const View& now = current_order().now;
    uint32_t most = history.count < kHistory ? history.count : kHistory;
    while (back + 1 < most && !hides_older(history.store(history.count - 1 - back), now, order) &&
           history.store(history.count - 2 - back).stale_reads < kStaleReads) {
      ++back;
    }
    back = choose(site::kStale, back + 1);
  }
  Store& store = history.store(history.count - 1 - back);
  if (back != 0) ++store.stale_reads;
  if (state.weak_memory) note_read(store, order);
  take_view(store, order);
  return store.value;
}

void history_store(const volatile void* at, size_t size, Value memory, Value value, Order order) {
  shim::HarnessScope scope;
  History& history = history_of(at, size, memory);
  if (state.weak_memory) observe_seq_cst(order);
  Store& store = add_own(history, value, order);
  store.view.assign(passed_on(order));
  if (releases(order)) new_epoch();
}

// It belongs to the release sequences that what it reads belongs to, and heads its own.
void history_rmw(const volatile void* at, size_t size, Value memory, Value value, Order order) {
  shim::HarnessScope scope;
  History& history = history_of(at, size, memory);
  if (state.weak_memory) observe_seq_cst(order);
  Store& before = history.newest();
  if (state.weak_memory) note_read(before, order);
  take_view(before, order);
  Store& store = add_own(history, value, order);
  store.view.assign(before.view);
  store.view.join(passed_on(order));
  if (releases(order)) new_epoch();
}

void history_failed(const volatile void* at, size_t size, Value memory, Order order) {
  shim::HarnessScope scope;
  Store& store = history_of(at, size, memory).newest();
  if (state.weak_memory) {
    observe_seq_cst(order);
    note_read(store, order);
  }
  take_view(store, order);
}

bool fails_spuriously() {
  shim::HarnessScope scope;
  uint32_t& row = current_order().spurious_failures;
  bool fails = row < 3 && choose(site::kSpuriousCas, 2) != 0;
  row = fails ? row + 1 : 0;
  return fails;
}

void forget_history(uintptr_t at) {
  if (History* history = histories.find(at)) history->size = 0;
}

void forget_histories(uintptr_t low, uintptr_t high) {
  histories.for_each([=](History& history) {
    if (history.address >= low && history.address < high) history.size = 0;
  });
}

}  // namespace pollux::explore

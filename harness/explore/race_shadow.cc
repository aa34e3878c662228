// SPDX-License-Identifier: MIT
//
// An access is kept while a later one could race with it and not with one that is kept as well. A
// new access replaces an old one of the same bytes (or of some of them) that happened before it, if
// whatever conflicts with the old one conflicts with the new one: a write replaces anything, a read
// does reads, and an atomic one does atomic ones only. What is unordered with the old one and comes
// later is unordered with the new one, too, so nothing is lost. Kept are thus one or two accesses
// of nearly all memory, and one per thread where several read.
//
// Memory is used again. The heap says when a block begins a new life (heap_hooks.cc). Stacks and
// thread-local storage do when a thread begins, and are not swept for it: an access that is older
// than the thread which has the stack now is no party to a race, and that is looked at only when
// one was found.
#include "explore/race_shadow.h"

#include <algorithm>

#include "explore/atomic_history.h"
#include "explore/lasting_memory.h"
#include "explore/race_report.h"
#include "pollux/shim/gate.h"

namespace pollux::explore {
namespace {

struct Access {
  uint64_t code : 48;
  uint64_t tag : 8;
  uint64_t bytes : 8;  // of the cell
  uint32_t epoch;
  uint32_t ordinal : 30;
  uint32_t writes : 1;
  uint32_t atomic : 1;
};
static_assert(sizeof(Access) == 16);

struct Cell {
  static constexpr unsigned kInline = 3;
  Access first[kInline];
  uint32_t run;    // the accesses are of this one
  uint32_t count;  // of all; the rest is in an Overflow
  uint32_t more;   // its number; 0: none yet
  uint32_t unused;
};
static_assert(sizeof(Cell) == 64);

// The accesses beyond the first ones of a cell that many threads read.
struct Overflow {
  Access* accesses;
  uint32_t capacity;
};

constexpr unsigned kCellShift = 3;
constexpr unsigned kBlockShift = 9;  // 64 cells
constexpr unsigned kCells = 1 << (kBlockShift - kCellShift);
constexpr uint32_t kOverflows = 1 << 20;

struct Shadow {
  // Open addressing by block number, never shrinking. Blocks outlive runs: their cells carry the
  // run.
  struct Slot {
    uintptr_t number;  // + 1; 0: free
    Cell* cells;
  };
  Slot* slots = nullptr;
  size_t size = 0, used = 0;
  Slot recent = {0, nullptr};
  uint32_t run = 0;
  uint32_t ordinal = 0;
  uint32_t wanted = 0;  // the ordinal whose stack is to be kept
  Overflow* overflows = nullptr;
  uint32_t overflows_used = 0;
  uint32_t stack_since[kThreadsMax] = {};  // ordinal at which the thread with it began
  Access kept = {};                        // the last one with the wanted ordinal
  CallStack stack = {};                    // its
};
constinit Shadow shadow = {};

Shadow::Slot& slot_of(uintptr_t number) {
  size_t mask = shadow.size - 1;
  size_t at = (number * 0x9E3779B97F4A7C15ull >> 32) & mask;
  while (shadow.slots[at].number != 0 && shadow.slots[at].number != number + 1) {
    at = (at + 1) & mask;
  }
  return shadow.slots[at];
}

void grow() {
  Shadow::Slot* old = shadow.slots;
  size_t old_size = shadow.size;
  shadow.size = old_size == 0 ? 1024 : old_size * 4;
  shadow.slots = lasting_array<Shadow::Slot>(shadow.size);
  for (size_t i = 0; i < old_size; ++i) {
    if (old[i].number != 0) slot_of(old[i].number - 1) = old[i];
  }
}

Cell* known_block(uintptr_t number) {
  if (shadow.recent.number == number + 1) return shadow.recent.cells;
  if (shadow.size == 0) return nullptr;
  Shadow::Slot& slot = slot_of(number);
  if (slot.number == 0) return nullptr;
  shadow.recent = slot;
  return slot.cells;
}

Cell* block(uintptr_t number) {
  if (Cell* cells = known_block(number)) return cells;
  if (2 * shadow.used >= shadow.size) grow();
  Shadow::Slot& slot = slot_of(number);
  slot = {number + 1, lasting_array<Cell>(kCells)};
  ++shadow.used;
  shadow.recent = slot;
  return slot.cells;
}

Access& access_of(Cell& cell, uint32_t i) {
  return i < Cell::kInline ? cell.first[i]
                           : shadow.overflows[cell.more].accesses[i - Cell::kInline];
}

// For one access more than the first ones. False when a million cells that several threads read
// are too many: then a reader is forgotten.
bool make_room(Cell& cell) {
  if (cell.more == 0) {
    if (shadow.overflows == nullptr) shadow.overflows = lasting_array<Overflow>(kOverflows);
    if (shadow.overflows_used == kOverflows - 1) return false;
    cell.more = ++shadow.overflows_used;
  }
  Overflow& more = shadow.overflows[cell.more];
  if (cell.count - Cell::kInline < more.capacity) return true;
  uint32_t capacity = std::max(16u, more.capacity * 2);
  auto* bigger = lasting_array<Access>(capacity);
  std::copy_n(more.accesses, more.capacity, bigger);
  more = {bigger, capacity};
  return true;
}

void append(Cell& cell, const Access& access) {
  if (cell.count >= Cell::kInline && !make_room(cell)) --cell.count;
  access_of(cell, cell.count++) = access;
}

// The memory is a stack (or the storage above it) whose owner began after the access.
bool is_of_another_life(uintptr_t at, const Access& access) {
  for (unsigned id = 0; id < state.thread_count; ++id) {
    const Donor* donor = state.threads[id].donor;
    if (donor == nullptr || at < reinterpret_cast<uintptr_t>(donor->stack_low)) continue;
    if (at >= donor->thread_pointer + kThreadStorage) continue;
    return access.ordinal < shadow.stack_since[id];
  }
  return false;
}

RaceParty party(const Access& access) {
  return {.thread = name_of(static_cast<Tag>(access.tag)),
          .writes = access.writes != 0,
          .atomic = access.atomic != 0,
          .size = static_cast<unsigned>(__builtin_popcount(access.bytes)),
          .code = access.code,
          .number = access.ordinal};
}

// Out of line and by value: who wants no stack pays for a comparison, and `access` can stay in
// registers.
[[gnu::noinline, gnu::cold]] void keep_stack(Access access) {
  shadow.kept = access;
  shadow.stack = stack_from(access.code);
}

// Ordinals are used again after a billion of accesses, and whether a run makes the same ones as
// another is for the program to say: only an access that is the very same has had that stack.
CallStack kept_stack(const Access& access) {
  const Access& kept = shadow.kept;
  const bool same = kept.ordinal == access.ordinal && kept.tag == access.tag &&
                    kept.epoch == access.epoch && kept.code == access.code;
  return same ? shadow.stack : CallStack{};
}

// The same holds here.
[[noreturn, gnu::noinline, gnu::cold]] void found_race(Access earlier, Access later) {
  report_race(party(earlier), kept_stack(earlier), party(later));
}

bool conflict(const Access& a, const Access& b) {
  return (a.bytes & b.bytes) != 0 && (a.writes | b.writes) != 0 && (a.atomic & b.atomic) == 0;
}

// Whatever conflicts with `old` conflicts with `access`, but for the order of the two.
bool stands_for(const Access& access, const Access& old) {
  return (old.bytes & ~access.bytes) == 0 && access.writes >= old.writes &&
         access.atomic <= old.atomic;
}

void check_cell(Cell& cell, uintptr_t address, const Access& access, const VectorClock& clock) {
  if (cell.run != shadow.run) {
    cell.run = shadow.run;
    cell.count = 1;
    cell.more = 0;
    cell.first[0] = access;
    return;
  }
  uint32_t kept = 0;
  for (uint32_t i = 0; i < cell.count; ++i) {
    Access& old = access_of(cell, i);
    if (old.tag == access.tag) {
      if (old.epoch == access.epoch && stands_for(old, access)) return;
      if (stands_for(access, old)) continue;
    } else if (old.epoch <= clock.of(static_cast<Tag>(old.tag))) {
      if (stands_for(access, old)) continue;
    } else if (conflict(old, access)) {
      if (is_of_another_life(address, old)) continue;
      found_race(old, access);
    }
    if (kept != i) access_of(cell, kept) = old;
    ++kept;
  }
  cell.count = kept;
  append(cell, access);
}

}  // namespace

void keep_stack_of(uint32_t number) { shadow.wanted = number; }

void reset_race_shadow() {
  ++shadow.run;
  shadow.ordinal = 0;
  shadow.overflows_used = 0;
  shadow.kept = {};
  std::fill(std::begin(shadow.stack_since), std::end(shadow.stack_since), 0);
}

void check_access(const volatile void* at, size_t size, AccessKind kind, uintptr_t code) {
  if (size == 0) return;
  shim::HarnessScope scope;
  const VectorClock& clock = current_order().now.clock;
  Tag tag = current_tag();
  Access access{};
  access.code = code;
  access.tag = tag;
  access.epoch = clock.of(tag);
  const uint32_t ordinal = ++shadow.ordinal;
  access.ordinal = ordinal;
  access.writes = kind.writes;
  access.atomic = kind.atomic;
  if (__builtin_expect(ordinal == shadow.wanted, 0)) keep_stack(access);
  auto address = reinterpret_cast<uintptr_t>(at);
  uintptr_t end = address + size;
  while (address < end) {
    uintptr_t cell_begin = address & ~uintptr_t{7};
    unsigned from = address & 7,
             to = static_cast<unsigned>(std::min<uintptr_t>(end - cell_begin, 8));
    access.bytes = ((1u << to) - 1) & ~((1u << from) - 1);
    Cell& cell = block(address >> kBlockShift)[address >> kCellShift & (kCells - 1)];
    check_cell(cell, cell_begin, access, clock);
    address = cell_begin + 8;
  }
}

// Blocks of memory that nobody accessed have no cells and cost a look each.
void forget_memory(const void* at, size_t size) {
  auto address = reinterpret_cast<uintptr_t>(at) & ~uintptr_t{7};
  uintptr_t end = reinterpret_cast<uintptr_t>(at) + size;
  while (address < end) {
    uintptr_t block_end = ((address >> kBlockShift) + 1) << kBlockShift;
    Cell* cells = known_block(address >> kBlockShift);
    if (cells == nullptr) {
      address = block_end;
      continue;
    }
    for (; address < std::min(end, block_end); address += 8) {
      Cell& cell = cells[address >> kCellShift & (kCells - 1)];
      if (cell.run != shadow.run) continue;
      for (uint32_t i = 0; i < cell.count; ++i) {
        if (access_of(cell, i).atomic == 0) continue;
        for (uintptr_t byte = address; byte < address + 8; ++byte) forget_history(byte);
        break;
      }
      cell.run = 0;
    }
  }
}

void forget_stack(Actor id) {
  shadow.stack_since[id] = shadow.ordinal + 1;
  const Donor* donor = state.threads[id].donor;
  if (donor == nullptr || !state.weak_memory) return;
  forget_histories(reinterpret_cast<uintptr_t>(donor->stack_low),
                   donor->thread_pointer + kThreadStorage);
}

}  // namespace pollux::explore

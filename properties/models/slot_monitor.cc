// SPDX-License-Identifier: MIT
//
// The table, and why each row is there (R: by read-modify-write, S: also by plain store).
//
//   from \ to   NIL                            READY                 WAIT           G
//   NIL         R S reset, open; R final       R poller: event       R waiter:      -
//               exchange after a wake that     while nobody waits    about to park
//               gave nothing
//   READY       R waiter consumes; R S reset   -  (binary: no write) -              -
//   WAIT        R deadline or close before     R poller, before      -              R commit
//               commit; R final exchange       commit
//   G           R deadline or close            R poller              -              -
//
// Only reset and open may store plainly: they run while no waiter can exist (the caller holds the
// descriptor's read or write lock), and overwriting a READY is then harmless, because the system
// call that follows sees what the READY announced. A plain store over WAIT or G would lose a
// goroutine; a plain store of READY or WAIT would lose whatever came between the load and it.
//
// The final exchange finds NIL, READY or WAIT. It is the same instruction whatever it finds, so
// NIL -> NIL by exchange is a row, too. G -> G (another goroutine) is not: two waiters.
#include "models/slot_monitor.h"

#include <cstring>

namespace pollux::properties {

const char* to_string(Slot slot) {
  switch (slot) {
    case Slot::nil:
      return "NIL";
    case Slot::ready:
      return "READY";
    case Slot::wait:
      return "WAIT";
    case Slot::parked:
      return "G";
  }
  return "?";
}

bool allowed(Slot from, Slot to, bool is_store) {
  if (is_store) return to == Slot::nil && (from == Slot::nil || from == Slot::ready);
  switch (from) {
    case Slot::nil:
      return to != Slot::parked;
    case Slot::ready:
      return to == Slot::nil;
    case Slot::wait:
      return to != Slot::wait;
    case Slot::parked:
      return to == Slot::nil || to == Slot::ready;
  }
  return false;
}

namespace {

// The slot at `address`: its index and direction; false when the address is some other word.
bool locate(const SlotRegion& region, uintptr_t address, size_t& index, bool& reader) {
  if (address < region.base || region.stride == 0) return false;
  size_t offset = address - region.base;
  index = offset / region.stride;
  if (index >= region.count) return false;
  size_t within = offset % region.stride;
  reader = within == region.reader_offset;
  return reader || within == region.writer_offset;
}

}  // namespace

bool breaks_table(const SlotRegion& region, const AtomicAccess& access) {
  size_t index;
  bool reader;
  return locate(region, access.address, index, reader) &&
         !allowed(classify_slot(access.before), classify_slot(access.after), access.is_store);
}

WatchedWord describe_slot(const SlotRegion& region, uintptr_t address, uint64_t value) {
  size_t index = 0;
  bool reader = false;
  WatchedWord word;
  if (!locate(region, address, index, reader)) return word;
  word.name = std::string(reader ? "rg" : "wg") + " of poll_desc " + std::to_string(index);
  word.value = to_string(classify_slot(value));
  word.waiting = classify_slot(value) == Slot::parked || classify_slot(value) == Slot::wait;
  if (region.fd_offset == 0) return word;
  uintptr_t at = region.base + index * region.stride + region.fd_offset;
  std::memcpy(&word.fd, reinterpret_cast<const void*>(at), sizeof word.fd);
  if (word.fd >= 0) word.name += " (fd " + std::to_string(word.fd) + ")";
  return word;
}

std::string describe_transition(const SlotRegion& region, const AtomicAccess& access) {
  size_t index = 0;
  bool reader = false;
  locate(region, access.address, index, reader);
  return std::string("poll descriptor ") + std::to_string(index) + ", " +
         (reader ? "reader" : "writer") + " slot: " + to_string(classify_slot(access.before)) +
         " -> " + to_string(classify_slot(access.after)) +
         (access.is_store ? " by a plain store" : " by read-modify-write") +
         " is not a transition of the protocol";
}

}  // namespace pollux::properties

// SPDX-License-Identifier: MIT
#include "kernel/file.h"

#include <cerrno>

#include "explore/scheduler.h"
#include "kernel/epoll.h"
#include "kernel/signals.h"

namespace pollux::kernel {

long File::read(const Buffers&, size_t, int) { return -EINVAL; }
long File::write(const Buffers&, size_t, int) { return -EINVAL; }

void File::begin(unsigned host_number) {
  non_blocking = false;
  readable_mode = writable_mode = true;
  wants_output = ever_read = false;
  host = static_cast<uint8_t>(host_number);
  inherited = 0;
  reported = 0;
  ++generation;
  references_ = 0;
  blocked_ = 0;
  items_ = last_item_ = nullptr;
  pollers_ = nullptr;
}

void File::last_reference_gone() {
  while (items_ != nullptr) forget_item(items_);
  // Whoever polls us holds a reference, so nobody does.
  POLLUX_KERNEL_CHECK(pollers_ == nullptr && blocked_ == 0);
  make_known();  // the peer learns of it
  release();
}

void File::wake_somebody(uint32_t key) {
  // __wake_up_common: an exclusive entry whose callback says that it woke somebody ends the walk.
  for (EpollItem* item = items_; item != nullptr;) {
    EpollItem* next = item->next_of_file;
    bool woke = item_woken(item, key);
    if (woke && item->is_exclusive()) break;
    item = next;
  }
  for (PollEntry* entry = pollers_; entry != nullptr; entry = entry->next) {
    if (key == 0 || (key & entry->events) != 0) explore::wake_all(explore::Why::io, entry->sleeper);
  }
  if (blocked_ != 0) explore::wake_all(explore::Why::io, this);
}

bool File::wait(int64_t deadline) {
  ++blocked_;
  bool woken = sleep_on(explore::Why::io, this, deadline);
  --blocked_;
  return woken;
}

void File::add_poller(PollEntry* entry) {
  entry->file = this;
  entry->next = pollers_;
  entry->link = &pollers_;
  if (pollers_ != nullptr) pollers_->link = &entry->next;
  pollers_ = entry;
}

void File::remove_poller(PollEntry* entry) {
  *entry->link = entry->next;
  if (entry->next != nullptr) entry->next->link = entry->link;
}

void File::add_item(EpollItem* item) {
  // add_wait_queue puts at the head, add_wait_queue_exclusive at the tail.
  if (item->is_exclusive()) {
    item->next_of_file = nullptr;
    item->previous_of_file = last_item_;
    (last_item_ != nullptr ? last_item_->next_of_file : items_) = item;
    last_item_ = item;
  } else {
    item->previous_of_file = nullptr;
    item->next_of_file = items_;
    (items_ != nullptr ? items_->previous_of_file : last_item_) = item;
    items_ = item;
  }
}

void File::remove_item(EpollItem* item) {
  (item->previous_of_file != nullptr ? item->previous_of_file->next_of_file : items_) =
      item->next_of_file;
  (item->next_of_file != nullptr ? item->next_of_file->previous_of_file : last_item_) =
      item->previous_of_file;
}

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
//
// What fs/eventpoll.c does, in the same order. Names of its functions are given where a decision is
// its.
#include "kernel/epoll.h"

#include <cerrno>
#include <cstdio>

#include "kernel/fault_points.h"
#include "kernel/pool.h"
#include "kernel/pools.h"
#include "kernel/signals.h"
#include "kernel/state.h"
#include "kernel/tcp.h"
#include "trace/recorder.h"

namespace pollux::kernel {
namespace {

std::string harvest_text;

// EP_MAX_NESTS.
constexpr unsigned kMaxNests = 4;

uint32_t item_poll(EpollItem* item) { return item->file->poll() & item->events; }

}  // namespace

const std::string& last_harvest() { return harvest_text; }

std::string epoll_bits(uint32_t events) {
  static constexpr struct {
    uint32_t bit;
    const char* name;
  } kNames[] = {{EPOLLIN, "IN"},        {EPOLLPRI, "PRI"},         {EPOLLOUT, "OUT"},
                {EPOLLRDHUP, "RDHUP"},  {EPOLLERR, "ERR"},         {EPOLLHUP, "HUP"},
                {EPOLLET, "ET"},        {EPOLLONESHOT, "ONESHOT"}, {EPOLLEXCLUSIVE, "EXCLUSIVE"},
                {EPOLLWAKEUP, "WAKEUP"}};
  std::string text;
  for (const auto& [bit, name] : kNames) {
    if ((events & bit) == 0) continue;
    if (!text.empty()) text += '|';
    text += name;
  }
  return text.empty() ? "0" : text;
}

EpollSet* EpollSet::create(unsigned host) {
  EpollSet* set = pools.epoll_sets.take();
  set->begin(host);
  set->first_ready_ = set->last_ready_ = nullptr;
  set->ready_count_ = 0;
  set->items_of_set_ = nullptr;
  set->waiters_ = 0;
  set->cut_short_ = false;
  return set;
}

void EpollSet::release() {
  while (items_of_set_ != nullptr) forget_item(items_of_set_);
  pools.epoll_sets.give(this);
}

std::string EpollSet::describe() {
  std::string text = "epoll:";
  for (EpollItem* item = items_of_set_; item != nullptr; item = item->next_of_set) {
    text += ' ' + std::to_string(item->fd) + ':' + epoll_bits(item->events);
    if (item->is_ready) text += "(ready)";
  }
  if (waiters_ != 0) text += ", " + std::to_string(waiters_) + " waiting";
  return text;
}

EpollItem* EpollSet::find(File* file, int fd) const {
  for (EpollItem* item = file->items(); item != nullptr; item = item->next_of_file) {
    if (item->set == this && item->fd == fd) return item;
  }
  return nullptr;
}

void EpollSet::push_ready(EpollItem* item) {
  item->is_ready = true;
  item->next_ready = nullptr;
  item->previous_ready = last_ready_;
  (last_ready_ != nullptr ? last_ready_->next_ready : first_ready_) = item;
  last_ready_ = item;
  ++ready_count_;
}

void EpollSet::remove_ready(EpollItem* item) {
  item->is_ready = false;
  (item->previous_ready != nullptr ? item->previous_ready->next_ready : first_ready_) =
      item->next_ready;
  (item->next_ready != nullptr ? item->next_ready->previous_ready : last_ready_) =
      item->previous_ready;
  --ready_count_;
}

void EpollSet::tell() {
  if (waiters_ != 0) {
    explore::wake_some(explore::Why::io, &waiters_key_, 1, site::kEpollWake);
  }
  wake(EPOLLIN);
}

bool item_woken(EpollItem* item, uint32_t key) {
  EpollSet* set = item->set;
  bool counts = false;
  // A disabled one-shot registration has no bit left, not even ERR and HUP.
  if (item->wanted() != 0 && (key == 0 || (key & item->events) != 0)) {
    if (!item->is_ready) set->push_ready(item);
    item->handed_out = false;
    item->is_repeated = false;
    if (set->waiters_ != 0) {
      uint32_t direction = key & (EPOLLIN | EPOLLOUT);
      counts =
          direction == 0 || direction == (EPOLLIN | EPOLLOUT) || (direction & item->events) != 0;
    }
    set->tell();
  }
  return !item->is_exclusive() || counts;
}

void forget_item(EpollItem* item) {
  EpollSet* set = item->set;
  if (item->is_ready) set->remove_ready(item);
  item->file->remove_item(item);
  (item->previous_of_set != nullptr ? item->previous_of_set->next_of_set : set->items_of_set_) =
      item->next_of_set;
  if (item->next_of_set != nullptr) item->next_of_set->previous_of_set = item->previous_of_set;
  item->data = 0;  // a pointer, and nobody has it any more (explore/leaks.h)
  pools.epoll_items.give(item);
}

void EpollSet::add(File* file, int fd, uint32_t events, uint64_t data) {
  EpollItem* item = pools.epoll_items.take();
  *item = EpollItem{};
  item->set = this;
  item->file = file;
  item->fd = fd;
  item->events = events;
  item->data = data;
  item->next_of_set = items_of_set_;
  if (items_of_set_ != nullptr) items_of_set_->previous_of_set = item;
  items_of_set_ = item;
  file->add_item(item);
  if (item_poll(item) != 0) {  // ep_insert: "If the file is already ready"
    push_ready(item);
    tell();
  }
}

void EpollSet::modify(EpollItem* item, uint32_t events, uint64_t data) {
  item->events = events;
  item->data = data;
  if (item_poll(item) != 0) {  // ep_modify
    item->handed_out = false;
    item->is_repeated = false;
    if (!item->is_ready) {
      push_ready(item);
      tell();
    }
  }
}

uint32_t EpollSet::poll() {
  // __ep_eventpoll_poll: what turns out not to be ready leaves the list.
  for (EpollItem* item = first_ready_; item != nullptr;) {
    EpollItem* next = item->next_ready;
    if (item_poll(item) != 0) return EPOLLIN | EPOLLRDNORM;
    remove_ready(item);
    item = next;
  }
  return 0;
}

void EpollSet::rotate_ready(uint32_t by) {
  while (by-- != 0) {
    EpollItem* item = first_ready_;
    remove_ready(item);
    push_ready(item);
  }
}

long EpollSet::harvest(epoll_event* target, int max) {
  if (trace::recorder.text) harvest_text.clear();
  if (ready_count_ > 1) {
    // Independent files become ready in any order, and a batch may end early: the rest stays, and
    // comes first the next time (epoll_wait(2): round robin), so nobody starves.
    uint32_t limit = ready_count_ < 8 ? ready_count_ : 8;
    if (!cut_short_) {
      uint32_t by = explore::choose(site::kEpollOrder, limit);
      if (by == 0 && fault(faults::k_linux_io_epoll_reorder)) by = 1;
      if (by != 0) rotate_ready(by);
    }
    uint32_t fewer = max < 2 ? 0 : explore::choose(site::kEpollBatch, limit);
    if (fewer == 0 && max >= 2 && fault(faults::k_linux_io_epoll_partial)) fewer = 1;
    if (fewer != 0 && static_cast<uint32_t>(max) > ready_count_ - fewer) {
      max = static_cast<int>(ready_count_ - fewer);
    }
  }
  // What is handed out and stays ready goes to the tail; `last` is where this scan ends.
  EpollItem* last = last_ready_;
  int count = 0;
  bool more = last != nullptr;
  while (more && count < max) {
    EpollItem* item = first_ready_;
    more = item != last;
    uint32_t events = item_poll(item);
    if (events == 0) {
      remove_ready(item);
      continue;
    }
    if (bad_address(target)) return count != 0 ? count : -EFAULT;  // it stays queued
    remove_ready(item);
    if (item->file->kind() == Kind::tcp) {
      auto* socket = static_cast<TcpSocket*>(item->file);
      if (socket->may_be_reset_by_network() && fault(faults::k_linux_io_epoll_epollerr)) {
        socket->reset_by_network();
        if (item->is_ready) remove_ready(item);
        events = item_poll(item);
      } else if (fault(faults::k_linux_io_epoll_epollerr_lie)) {
        events |= EPOLLERR;
      }
    }
    item->file->learn();
    item->file->reported |= events;
    item->handed_out = true;
    item->handed_out_at = explore::points_so_far();
    // epoll_event is packed: the target may be unaligned.
    epoll_event event{};
    event.events = events;
    event.data.u64 = item->data;
    target[count++] = event;
    trace::recorder.mix(static_cast<uint64_t>(item->fd) << 32 | events);
    if (__builtin_expect(trace::recorder.text, 0)) {
      if (!harvest_text.empty()) harvest_text += ' ';
      harvest_text += std::to_string(item->fd) + ':' + epoll_bits(events);
      trace::concerns(item->fd);
    }
    if ((item->events & EPOLLONESHOT) != 0) {
      item->events &= kEpollPrivateBits;
    } else if (!item->is_edge_triggered()) {
      if (!item->is_ready) push_ready(item);
    } else if (item->may_repeat() && (explore::choose(site::kEpollEdge, 2) != 0 ||
                                      fault(faults::k_linux_io_epoll_spurious))) {
      // An interrupt that brought nothing new: the edge comes again, with the mask that holds then.
      // Once for each true edge: something must have happened, and a program that waits may rely on
      // not being woken without end.
      item->is_repeated = true;
      if (!item->is_ready) push_ready(item);
    }
  }
  // ep_done_scan: whoever waits may find the rest.
  if (first_ready_ != nullptr && waiters_ != 0) {
    explore::wake_some(explore::Why::io, &waiters_key_, 1, site::kEpollWake);
  }
  cut_short_ = more;
  return count;
}

bool EpollSet::wait_ready(int64_t deadline) {
  ++waiters_;
  bool woken = sleep_on(explore::Why::io, &waiters_key_, deadline);
  --waiters_;
  return woken;
}

unsigned EpollSet::depth_below(const EpollSet* loop, unsigned level) const {
  if (this == loop || level > kMaxNests) return kEpollTooDeep;
  unsigned deepest = 0;
  for (EpollItem* item = items_of_set_; item != nullptr; item = item->next_of_set) {
    if (item->file->kind() != Kind::epoll) continue;
    unsigned depth = static_cast<EpollSet*>(item->file)->depth_below(loop, level + 1);
    if (depth == kEpollTooDeep) return depth;
    if (depth > deepest) deepest = depth;
  }
  return deepest + 1;
}

unsigned EpollSet::depth_above() const {
  unsigned highest = 0;
  for (EpollItem* item = items(); item != nullptr; item = item->next_of_file) {
    unsigned depth = 1 + item->set->depth_above();
    if (depth > highest) highest = depth;
  }
  return highest;
}

}  // namespace pollux::kernel

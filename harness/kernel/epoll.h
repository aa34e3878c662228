// SPDX-License-Identifier: MIT
//
// An epoll set.
//
// A registration (EpollItem) is keyed by (file, descriptor number). It is either in its set's ready
// list or not; events are found by asking the file again when they are handed out, so readiness
// that went away is never reported, and a change of mask or data is seen by what is already queued.
//
//   not ready --wake of the file with a wanted key, ADD/MOD of a ready file--> ready (at the tail)
//   ready --handed out, level-triggered--> ready (at the tail again)
//   ready --handed out, ET or ONESHOT, or not ready after all--> not ready
//   ready --beyond maxevents--> ready (stays at the head)
//
// All of it happens inside one call, so there is no overflow list as in Linux, where files become
// ready while events are being copied out.
#pragma once

#include <sys/epoll.h>

#include <cstdint>

#include "kernel/file.h"

namespace pollux::kernel {

class EpollSet;

inline constexpr uint32_t kEpollPrivateBits = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE;

struct EpollItem {
  EpollSet* set;
  File* file;
  int fd;
  uint32_t events;
  uint64_t data;
  bool is_ready;
  bool is_repeated;        // a redundant edge was added since the last true one
  bool handed_out;         // an event was handed out since the file last woke it
  uint64_t handed_out_at;  // the last time: number of scheduling points; 0: never
  EpollItem *next_ready, *previous_ready;
  EpollItem *next_of_file, *previous_of_file;
  EpollItem *next_of_set, *previous_of_set;

  bool is_exclusive() const { return (events & EPOLLEXCLUSIVE) != 0; }
  bool is_edge_triggered() const { return (events & EPOLLET) != 0; }
  uint32_t wanted() const { return events & ~kEpollPrivateBits; }
  // A wake-up for one of the wanted states reports all that hold. Space in a send buffer is freed
  // many times without being news; nothing else wakes a set that has nothing new to tell.
  bool may_repeat() const { return !is_repeated && (events & EPOLLOUT) != 0; }
};

class EpollSet final : public File {
 public:
  EpollSet() : File(Kind::epoll) {}
  static EpollSet* create(unsigned host);

  uint32_t poll() override;
  void release() override;
  const char* kind_name() const override { return "epoll"; }
  std::string describe() override;

  EpollItem* find(File*, int fd) const;
  void add(File*, int fd, uint32_t events, uint64_t data);
  void modify(EpollItem*, uint32_t events, uint64_t data);

  // Hands out at most `max` events. With `target` null or bad: -EFAULT if there is one, and it
  // stays queued.
  long harvest(epoll_event* target, int max);
  // Waits until something may be ready; false: `deadline` passed.
  bool wait_ready(int64_t deadline);

  EpollItem* first_item() const { return items_of_set_; }
  EpollItem* first_ready() const { return first_ready_; }
  uint32_t waiters() const { return waiters_; }

  // Levels of epoll sets below, this one included; kEpollTooDeep when deeper than Linux allows or
  // when `loop` is among them.
  unsigned depth_below(const EpollSet* loop, unsigned level) const;
  unsigned depth_above() const;

 private:
  friend bool item_woken(EpollItem*, uint32_t key);
  friend void forget_item(EpollItem*);

  void push_ready(EpollItem*);
  void remove_ready(EpollItem*);
  // Something entered the ready list: one waiter, and whoever polls this set.
  void tell();
  void rotate_ready(uint32_t by);

  EpollItem *first_ready_ = nullptr, *last_ready_ = nullptr;
  uint32_t ready_count_ = 0;
  bool cut_short_ = false;  // the last harvest left some of the ready list
  EpollItem* items_of_set_ = nullptr;
  uint32_t waiters_ = 0;
  char waiters_key_ = 0;  // its address is what threads in epoll_wait block on
};

inline constexpr unsigned kEpollTooDeep = ~0u;

// The file of a registration woke with `key` (ep_poll_callback). True when the wake-up counts for
// an exclusive registration.
bool item_woken(EpollItem*, uint32_t key);
// Ends a registration.
void forget_item(EpollItem*);

// Events of the last harvest as text for the trace, "66:IN|OUT 68:IN".
const std::string& last_harvest();

std::string epoll_bits(uint32_t events);

}  // namespace pollux::kernel

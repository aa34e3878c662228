// SPDX-License-Identifier: MIT
// Waking the poller. wake() writes to the eventfd only if it moves wake_sig_ from 0 to 1; otherwise
// a write that the poller has not consumed yet is under way. The poller first drains the eventfd
// and then clears wake_sig_: the other order could leave the flag set over an empty eventfd, and no
// wake would ever be written again. A wake() that comes between the drain and the clear writes
// nothing and is absorbed; that is right because the poller returns and its worker looks at its
// note, the run queues and the timers before it can poll again.
//
// Only a poll that may block drains. The eventfd is level-triggered, so every poll sees it; if one
// that does not block drained it, the blocked one would sleep on.
//
// An event carries the index and the generation (fdseq) of the poll_desc it was registered for. The
// poll_desc may have been freed since epoll_wait took the event, so the generation is compared
// before anything is done. Between the comparison and the deed the poll_desc may still be freed,
// but not reused: poll_cache keeps what is freed during a batch out of circulation until no batch
// is in progress (poll_batch below). So an event never touches a poll_desc of another generation.
#include "src/netpoll_epoll.h"

#include <sys/epoll.h>

#include <cerrno>

#include "src/fatal.h"
#include "src/poll_cache.h"
#include "src/poll_desc.h"
#include "src/sys.h"

namespace netpoll {

namespace {

constexpr int max_events = 128;
// The eventfd's user data. No poll_desc has it: their indices end below 2^32 - 1.
constexpr uint64_t eventfd_tag = ~uint64_t{0};

int timeout_ms(int64_t delay) {
  if (delay < 0) return -1;
  if (delay == 0) return 0;
  if (delay < 1'000'000) return 1;
  // Rounded down: too early costs one more round, too late would be too late.
  if (delay < 1'000'000'000'000'000) return static_cast<int>(delay / 1'000'000);
  return 1'000'000'000;  // eleven and a half days
}

}  // namespace

netpoller::netpoller() {
  epfd_ = sys_epoll_create();
  if (epfd_ < 0) fatal("netpollinit failed", -epfd_);
  eventfd_ = sys_eventfd();
  if (eventfd_ < 0) fatal("eventfd failed", -eventfd_);
  const int err = sys_epoll_add(epfd_, eventfd_, EPOLLIN, eventfd_tag);
  if (err < 0) fatal("epollctl failed", -err);
}

netpoller::~netpoller() {
  sys_close(eventfd_);
  sys_close(epfd_);
}

int netpoller::open(int fd, poll_desc& pd) {
  // EPOLLPRI wakes nobody; it tells that urgent data cut a read short (poll_desc::note_event).
  const uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
  return -sys_epoll_add(epfd_, fd, events, pd.tag());
}

void netpoller::close(int fd) { sys_epoll_del(epfd_, fd); }

netpoller::ready_list netpoller::poll(poll_cache& polls, int64_t delay) {
  epoll_event events[max_events];
  const int timeout = timeout_ms(delay);
  int n;
  for (;;) {
    n = sys_epoll_wait(epfd_, events, max_events, timeout);
    if (n >= 0) break;
    if (n != -EINTR) fatal("netpoll failed", -n);
    if (timeout > 0) return {};  // the caller computes what is left of the delay
  }
  ready_list ready;
  poll_batch batch(polls);
  for (int i = 0; i < n; i++) {
    const uint32_t mask = events[i].events;
    const uint64_t tag = events[i].data.u64;
    if (mask == 0) continue;
    if (tag == eventfd_tag) {
      if (mask != EPOLLIN) fatal("eventfd ready for something unexpected", mask);
      if (delay != 0) drain();
      continue;
    }
    const bool read = mask & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    const bool write = mask & (EPOLLOUT | EPOLLHUP | EPOLLERR);
    poll_desc& pd = polls.at(static_cast<uint32_t>(tag));
    const uint32_t fdseq = static_cast<uint32_t>(tag >> 32);
    if (pd.fdseq.load() != fdseq) continue;  // an event of an earlier user of pd
    pd.note_event(mask, fdseq);
    ready.delta += netpoll_ready(ready.list, pd, read, write);
  }
  return ready;
}

void netpoller::drain() {
  sys_eventfd_read(eventfd_);
  wake_sig_.store(0);  // after the read, see above
}

void netpoller::wake() {
  uint32_t none = 0;
  if (!wake_sig_.compare_exchange_strong(none, 1)) return;
  const int err = sys_eventfd_write(eventfd_);
  // EAGAIN: the counter is full, hence the eventfd readable.
  if (err < 0 && err != -EAGAIN) fatal("netpollBreak write failed", -err);
}

}  // namespace netpoll

// SPDX-License-Identifier: MIT
// A channel is a monitor: a ring of elements and two queues of waiters under one lock. Senders wait
// only while the buffer is full, receivers only while it is empty, so one of the queues is always
// empty (but for an unbuffered channel and a select that does both on it).
//
// Whoever finds a partner waiting does the partner's part too: it moves the value from stack to
// stack (when a full buffer lies between: the head out, the sender's value in), marks the waiter
// done and wakes it after releasing the lock. The woken goroutine has nothing left to do.
//
// The lock is released before the goroutine parks. That is safe because park_slot takes the wake-up
// in either order; a goroutine's stack stays in place while it is in a queue, since it returns only
// after it was woken, and a select only after it has left all queues.
//
// A waiter of a select may be found in several queues by several threads at a time: see
// channel_wait::select_done. Losers drop the waiter from their queue and look at the next.
#include "netpoll/channel.h"

#include <atomic>

#include "src/channel_wait.h"
#include "src/fatal.h"

namespace netpoll::detail {

namespace {

// Only the order of the numbers matters, and that depends on nothing but the program.
uint64_t next_number() {
  static std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed);  // orders nothing
}

[[noreturn]] void wait_for_ever(wait_reason why) {
  park_slot slot;
  slot.wait(why);
  fatal("unreachable: woken from a wait for ever");
}

}  // namespace

channel_core::channel_core(size_t capacity, size_t element_size, move_fn move)
    : number_(next_number()), capacity_(capacity), element_size_(element_size), move_(move) {}

channel_core::~channel_core() {
  if (senders_.first || receivers_.first) fatal("channel destroyed while goroutines wait");
}

// Queues.

void channel_core::enqueue(channel_waiter& w, bool sends) {
  channel_queue& q = sends ? senders_ : receivers_;
  w.queued = true;
  w.next = nullptr;
  w.previous = q.last;
  (q.last ? q.last->next : q.first) = &w;
  q.last = &w;
}

void channel_core::unlink(channel_waiter& w, bool sends) {
  channel_queue& q = sends ? senders_ : receivers_;
  w.queued = false;
  (w.previous ? w.previous->next : q.first) = w.next;
  (w.next ? w.next->previous : q.last) = w.previous;
}

// The first waiter that is not spoken for. The caller completes it.
channel_waiter* channel_core::dequeue(channel_queue& q) {
  while (channel_waiter* w = q.first) {
    q.first = w->next;
    (q.first ? q.first->previous : q.last) = nullptr;
    w->queued = false;
    bool free = false;
    if (w->wait->is_select && !w->wait->select_done.compare_exchange_strong(free, true)) continue;
    w->wait->winner = w;
    return w;
  }
  return nullptr;
}

void channel_core::wake(channel_waiter* w) {
  if (w) w->wait->slot.wake();
}

// Under the lock.

bool channel_core::send_now(void* element, channel_waiter** woken) {
  if (closed_) fatal("send on closed channel");
  if (channel_waiter* receiver = dequeue(receivers_)) {
    move_(receiver->element, element);
    receiver->success = true;
    *woken = receiver;
    return true;
  }
  if (count_ == capacity_) return false;
  size_t tail = head_ + count_;
  if (tail >= capacity_) tail -= capacity_;
  move_(slot(tail), element);
  count_++;
  return true;
}

bool channel_core::recv_now(void* element, bool* ok, channel_waiter** woken) {
  if (count_ > 0) {
    move_(element, slot(head_));
    count_--;
    const size_t freed = head_;
    if (++head_ == capacity_) head_ = 0;
    if (channel_waiter* sender = dequeue(senders_)) {  // the buffer was full: `freed` is the tail
      move_(slot(freed), sender->element);
      count_++;
      sender->success = true;
      *woken = sender;
    }
  } else if (channel_waiter* sender = dequeue(senders_)) {
    move_(element, sender->element);
    sender->success = true;
    *woken = sender;
  } else if (closed_) {
    if (element) move_(element, nullptr);
    if (ok) *ok = false;
    return true;
  } else {
    return false;
  }
  if (ok) *ok = true;
  return true;
}

// The operations.

void channel_core::send(channel_core* core, void* element) {
  if (!core) wait_for_ever(wait_reason::chan_send_nil);
  channel_wait wait;
  channel_waiter me;
  channel_waiter* woken = nullptr;
  {
    std::unique_lock<std::mutex> hold(core->lock_);
    if (core->send_now(element, &woken)) {
      hold.unlock();
      wake(woken);
      return;
    }
    me.wait = &wait;
    me.element = element;
    core->enqueue(me, true);
  }
  wait.slot.wait(wait_reason::chan_send);
  if (!me.success) fatal("send on closed channel");
}

bool channel_core::recv(channel_core* core, void* element) {
  if (!core) wait_for_ever(wait_reason::chan_receive_nil);
  channel_wait wait;
  channel_waiter me;
  channel_waiter* woken = nullptr;
  {
    std::unique_lock<std::mutex> hold(core->lock_);
    bool ok;
    if (core->recv_now(element, &ok, &woken)) {
      hold.unlock();
      wake(woken);
      return ok;
    }
    me.wait = &wait;
    me.element = element;
    core->enqueue(me, false);
  }
  wait.slot.wait(wait_reason::chan_receive);
  return me.success;
}

bool channel_core::try_send(channel_core* core, void* element) {
  if (!core) return false;
  channel_waiter* woken = nullptr;
  {
    std::lock_guard<std::mutex> hold(core->lock_);
    if (!core->send_now(element, &woken)) return false;
  }
  wake(woken);
  return true;
}

bool channel_core::try_recv(channel_core* core, void* element, bool* ok) {
  if (!core) return false;
  channel_waiter* woken = nullptr;
  {
    std::lock_guard<std::mutex> hold(core->lock_);
    if (!core->recv_now(element, ok, &woken)) return false;
  }
  wake(woken);
  return true;
}

void channel_core::close(channel_core* core) {
  if (!core) fatal("close of nil channel");
  channel_queue released;
  {
    std::lock_guard<std::mutex> hold(core->lock_);
    if (core->closed_) fatal("close of closed channel");
    core->closed_ = true;
    const auto release = [&](channel_waiter* w) {
      w->success = false;
      w->next = nullptr;
      (released.last ? released.last->next : released.first) = w;
      released.last = w;
    };
    while (channel_waiter* w = dequeue(core->receivers_)) {
      if (w->element) core->move_(w->element, nullptr);
      release(w);
    }
    while (channel_waiter* w = dequeue(core->senders_)) release(w);
  }
  while (channel_waiter* w = released.first) {
    released.first = w->next;  // before the wake-up, after which w may be gone
    wake(w);
  }
}

size_t channel_core::size() const {
  std::lock_guard<std::mutex> hold(lock_);
  return count_;
}

}  // namespace netpoll::detail

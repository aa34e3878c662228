// SPDX-License-Identifier: MIT
// A select locks all its channels, so that it sees them in one state: if a case can go on it does
// one, else it queues on all. The locks are taken in the order in which the channels were made,
// each once even if several cases use the channel; two selects can not wait for each other.
//
// Woken, it has been served through one case (channel_wait::winner), and locks everything again to
// leave the other queues. It may find itself gone from some: somebody took it out there, lost the
// race for select_done and went on. That somebody held the channel's lock while it looked at the
// waiter, so after the locks nobody does.
#include "netpoll/select.h"

#include "src/channel_wait.h"
#include "src/current.h"
#include "src/fatal.h"
#include "src/worker.h"

namespace netpoll {

namespace detail {

class select_operation {
 public:
  explicit select_operation(std::span<SelectCase> cases) : cases_(cases) {
    order_tries();
    order_locks();
  }

  // The index of the case that was done; -1 if none could be without waiting.
  int run(bool may_wait);

 private:
  void order_tries();
  void order_locks();
  void lock();
  void unlock();
  SelectCase* try_each(channel_waiter** woken);
  SelectCase* wait();
  int index(const SelectCase* c) const { return static_cast<int>(c - cases_.data()); }

  const std::span<SelectCase> cases_;
  size_t n_ = 0;  // cases on channels that are not nil
};

// A random permutation of the cases (Fisher and Yates, inside out).
void select_operation::order_tries() {
  worker* const w = current_worker();
  for (SelectCase& c : cases_) {
    if (!c.core_) continue;
    // A thread that is not a worker can not wait, so for it no case can starve.
    const size_t at = w ? w->next_random() % (n_ + 1) : n_;
    cases_[n_].tried_ = cases_[at].tried_;
    cases_[at].tried_ = &c;
    n_++;
  }
}

// By insertion: selects are short.
void select_operation::order_locks() {
  size_t n = 0;
  for (SelectCase& c : cases_) {
    if (!c.core_) continue;
    size_t at = n++;
    for (; at > 0 && cases_[at - 1].locked_->core_->number_ > c.core_->number_; at--) {
      cases_[at].locked_ = cases_[at - 1].locked_;
    }
    cases_[at].locked_ = &c;
  }
}

void select_operation::lock() {
  channel_core* last = nullptr;
  for (size_t i = 0; i < n_; i++) {
    channel_core* const core = cases_[i].locked_->core_;
    if (core != last) core->lock_.lock();
    last = core;
  }
}

void select_operation::unlock() {
  for (size_t i = n_; i-- > 0;) {
    channel_core* const core = cases_[i].locked_->core_;
    if (i == 0 || cases_[i - 1].locked_->core_ != core) core->lock_.unlock();
  }
}

// The first case that can go on, done; or null.
SelectCase* select_operation::try_each(channel_waiter** woken) {
  for (size_t i = 0; i < n_; i++) {
    SelectCase& c = *cases_[i].tried_;
    const bool done = c.sends_ ? c.core_->send_now(c.element_, woken)
                               : c.core_->recv_now(c.element_, c.ok_, woken);
    if (done) return &c;
  }
  return nullptr;
}

// Queues on every channel, releases the locks, parks, leaves the queues.
SelectCase* select_operation::wait() {
  channel_wait wait;
  wait.is_select = true;
  for (size_t i = 0; i < n_; i++) {
    SelectCase& c = *cases_[i].locked_;
    c.waiter_ = channel_waiter{};
    c.waiter_.wait = &wait;
    c.waiter_.element = c.element_;
    c.core_->enqueue(c.waiter_, c.sends_);
  }
  unlock();
  wait.slot.wait(n_ > 0 ? wait_reason::select : wait_reason::select_no_cases);

  lock();
  SelectCase* chosen = nullptr;
  for (size_t i = 0; i < n_; i++) {
    SelectCase& c = *cases_[i].locked_;
    if (&c.waiter_ == wait.winner) chosen = &c;
    if (c.waiter_.queued) c.core_->unlink(c.waiter_, c.sends_);
  }
  unlock();
  if (!chosen) fatal("selectgo: bad wakeup");
  if (chosen->sends_ && !chosen->waiter_.success) fatal("send on closed channel");
  if (chosen->ok_) *chosen->ok_ = chosen->waiter_.success;
  return chosen;
}

int select_operation::run(bool may_wait) {
  channel_waiter* woken = nullptr;
  lock();
  SelectCase* chosen = try_each(&woken);
  if (!chosen && may_wait) return index(wait());
  unlock();
  channel_core::wake(woken);
  return chosen ? index(chosen) : -1;
}

}  // namespace detail

int select(std::span<SelectCase> cases) { return detail::select_operation(cases).run(true); }
int try_select(std::span<SelectCase> cases) { return detail::select_operation(cases).run(false); }

}  // namespace netpoll

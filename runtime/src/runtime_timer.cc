// SPDX-License-Identifier: MIT
// Stopping a timer does not wait for a callback that has left the heap. So each arming has a number
// (seq_), which stop and reset raise, and a callback with an old one does nothing but give back its
// reference. fire() runs without lock_: what it calls may stop the timer (a context does).
//
// Lock order: lock_ -> timer_heap::lock_; lock_ -> channel_core::lock_ (in fire and take_back).
#include "src/runtime_timer.h"

#include "netpoll/time.h"
#include "src/clock.h"
#include "src/fatal.h"
#include "src/scheduler.h"

namespace netpoll {

void runtime_timer::release() {
  // Release: our uses of it come before its end. Acquire: so do everybody else's.
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

// Needs lock_.
void runtime_timer::arm(int64_t when) {
  when_ = when;
  armed_ = true;
  const bool moved = sched_->timer_arm(timer_, when, due, this, seq_);
  if (!moved) retain();  // one more callback to come
}

bool runtime_timer::reset(int64_t when, int64_t period) {
  if (period < 0) fatal("timer period must be non-negative");
  std::lock_guard<std::mutex> hold(lock_);
  if (!sched_) fatal("a timer was reset after the end of its Runtime");
  const bool was_armed = take_back() || armed_;  // a ticker may be both
  seq_++;
  period_ = period;
  arm(when);
  return was_armed;
}

bool runtime_timer::stop() {
  bool was_armed;
  bool removed = false;
  {
    std::lock_guard<std::mutex> hold(lock_);
    was_armed = take_back() || armed_;
    armed_ = false;
    seq_++;
    if (sched_) removed = sched_->timer_stop(timer_);
  }
  if (removed) release();  // no callback will come; the caller has a reference of its own
  return was_armed;
}

void runtime_timer::due(void* self, uint64_t seq) {
  auto* t = static_cast<runtime_timer*>(self);
  if (seq == timer_dropped) {
    std::lock_guard<std::mutex> hold(t->lock_);
    t->sched_ = nullptr;
    t->armed_ = false;
  } else {
    bool fires;
    {
      std::lock_guard<std::mutex> hold(t->lock_);
      fires = t->armed_ && seq == t->seq_;
      if (fires && t->period_ > 0) {
        const int64_t behind = nanotime() - t->when_;
        t->arm(saturating_add(t->when_, t->period_ * (1 + behind / t->period_)));
      } else if (fires) {
        t->armed_ = false;
      }
    }
    if (fires) t->fire(seq);
  }
  t->release();
}

namespace {

int64_t from_now(std::chrono::nanoseconds d) {
  return saturating_add(nanotime(), d.count() > 0 ? d.count() : 0);
}

class channel_timer final : public runtime_timer {
 public:
  explicit channel_timer(scheduler& s) : runtime_timer(s) {}
  Receiver<Instant> channel() const { return channel_; }

 private:
  void fire(uint64_t seq) override {
    std::lock_guard<std::mutex> hold(lock_);
    if (is_current(seq)) (void)channel_.try_send(std::chrono::steady_clock::now());
  }
  bool take_back() override { return channel_.try_recv().has_value(); }

  Channel<Instant> channel_{1};
};

class func_timer final : public runtime_timer {
 public:
  func_timer(scheduler& s, std::function<void()> fn) : runtime_timer(s), fn_(std::move(fn)) {}

 private:
  void fire(uint64_t) override {
    retain();
    // The goroutine gets a pointer, because that is something std::function does not allocate for.
    const bool started = sched_->spawn([this] {
      fn_();
      release();
    });
    if (!started) release();
  }

  const std::function<void()> fn_;
};

}  // namespace

detail::timer_handle::~timer_handle() {
  if (timer_) timer_->release();
}

Timer::Timer(std::chrono::nanoseconds d) : channel_(nullptr) {
  auto* t = new channel_timer(scheduler::current("Timer made outside a goroutine"));
  handle_ = detail::timer_handle(t);
  channel_ = t->channel();
  t->reset(from_now(d), 0);
}

bool Timer::stop() { return handle_.get()->stop(); }
bool Timer::reset(std::chrono::nanoseconds d) { return handle_.get()->reset(from_now(d), 0); }

Timer after_func(std::chrono::nanoseconds d, std::function<void()> fn) {
  scheduler& s = scheduler::current("after_func called outside a goroutine");
  auto* t = new func_timer(s, std::move(fn));
  Timer timer(detail::timer_handle(t), nullptr);
  t->reset(from_now(d), 0);
  return timer;
}

Receiver<Instant> after(std::chrono::nanoseconds d) { return Timer(d).channel(); }

Ticker::Ticker(std::chrono::nanoseconds d) : channel_(nullptr) {
  auto* t = new channel_timer(scheduler::current("Ticker made outside a goroutine"));
  handle_ = detail::timer_handle(t);
  channel_ = t->channel();
  reset(d);
}

Ticker::~Ticker() {
  if (handle_.get()) stop();
}

void Ticker::stop() { handle_.get()->stop(); }

void Ticker::reset(std::chrono::nanoseconds d) {
  if (d.count() <= 0) fatal("non-positive interval for Ticker");
  handle_.get()->reset(from_now(d), d.count());
}

}  // namespace netpoll

// SPDX-License-Identifier: MIT
#include "kernel/timerfd.h"

#include <sys/epoll.h>

#include <cerrno>

#include "kernel/clocks.h"
#include "kernel/pools.h"

namespace pollux::kernel {

TimerFd* TimerFd::create(unsigned host, int clock) {
  TimerFd* file = pools.timerfds.take();
  file->begin(host);
  file->clock_ = clock;
  file->next_ = file->interval_ = 0;
  file->ticks_ = 0;
  file->armed_ = file->fired_ = false;
  ++file->setting_;
  return file;
}

void TimerFd::release() {
  stop();
  pools.timerfds.give(this);
}

std::string TimerFd::describe() {
  std::string text = "timerfd, " + std::to_string(ticks_) + " ticks";
  if (armed_) text += ", next at " + std::to_string(next_) + " ns";
  return text;
}

uint32_t TimerFd::poll() { return ticks_ != 0 ? uint32_t{EPOLLIN} : 0; }

void TimerFd::arm() {
  armed_ = true;
  state.timeline->add(
      late(next_ > now() ? next_ : now()),
      [](void* object, uint64_t setting, uint64_t) {
        auto* timer = static_cast<TimerFd*>(object);
        if (timer->setting_ != setting || !timer->armed_) return;
        timer->armed_ = false;
        timer->fired_ = true;
        ++timer->ticks_;
        timer->wake(EPOLLIN);
      },
      this, setting_);
}

// A periodic timer that fired counts what passed since and starts again (hrtimer_forward_now).
void TimerFd::catch_up() {
  if (!fired_ || interval_ == 0) return;
  fired_ = false;
  int64_t passed = (now() - next_) / interval_;
  ticks_ += static_cast<uint64_t>(passed);
  next_ += (passed + 1) * interval_;
  arm();
}

long TimerFd::read(const Buffers& buffers, size_t limit, int) {
  if (limit < sizeof(uint64_t)) return -EINVAL;
  if (ticks_ == 0) return -EAGAIN;
  if (buffers.faulty()) return -EFAULT;
  catch_up();
  fired_ = false;
  uint64_t value = ticks_;
  ticks_ = 0;
  buffers.copy_from(0, reinterpret_cast<const char*>(&value), sizeof value);
  ever_read = true;
  return sizeof value;
}

void TimerFd::get(itimerspec* value) {
  if (fired_ && interval_ != 0) catch_up();
  // A timer whose time has come but which is late still shows that it runs.
  int64_t left = armed_ ? (next_ > now() ? next_ - now() : 1) : 0;
  value->it_value = explore::to_timespec(left);
  value->it_interval = explore::to_timespec(interval_);
}

void TimerFd::set(int flags, const itimerspec& value, itimerspec* old) {
  if (old != nullptr) get(old);
  ++setting_;
  armed_ = fired_ = false;
  ticks_ = 0;
  interval_ = explore::duration_of(value.it_interval);
  int64_t when = explore::duration_of(value.it_value);
  if (when == 0) return;
  if ((flags & TFD_TIMER_ABSTIME) != 0) {
    next_ = when == kNever ? kNever : when - explore::clock_base(clock_);
  } else {
    next_ = after(when);
  }
  if (next_ != kNever) arm();
}

}  // namespace pollux::kernel

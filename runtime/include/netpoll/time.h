// SPDX-License-Identifier: MIT
// Timers and tickers, as in Go. All times are of the monotonic clock; nothing fires early, and late
// by up to a millisecond (see sleep_for). Make them inside a goroutine; stop and reset may be
// called from any thread while the Runtime exists.
//
// A channel here has room for one value. The instant in it is when the timer fired; a tick that
// finds the channel full is dropped. After stop or reset no earlier value will be received.
//
// A timer that is still armed when Runtime::run returns fires in the next run, or never.
#pragma once

#include <chrono>
#include <functional>

#include "netpoll/channel.h"

namespace netpoll {

using Instant = std::chrono::steady_clock::time_point;

class runtime_timer;

namespace detail {

// Owns one reference to a runtime_timer.
class timer_handle {
 public:
  timer_handle() = default;
  explicit timer_handle(runtime_timer* t) : timer_(t) {}
  timer_handle(timer_handle&& other) noexcept : timer_(std::exchange(other.timer_, nullptr)) {}
  timer_handle& operator=(timer_handle&& other) noexcept {
    std::swap(timer_, other.timer_);
    return *this;
  }
  ~timer_handle();

  runtime_timer* get() const { return timer_; }

 private:
  runtime_timer* timer_ = nullptr;
};

}  // namespace detail

// Fires once. Dropping the handle does not stop it.
class Timer {
 public:
  // Sends the instant on channel() after `d`; at once if d <= 0.
  explicit Timer(std::chrono::nanoseconds d);

  // Nil for a timer made by after_func.
  const Receiver<Instant>& channel() const { return channel_; }
  // True if that prevented it from firing (for a channel: from being received).
  bool stop();
  // Fires again, `d` from now; true if it was armed until now.
  bool reset(std::chrono::nanoseconds d);

 private:
  friend Timer after_func(std::chrono::nanoseconds d, std::function<void()> fn);
  Timer(detail::timer_handle handle, Receiver<Instant> channel)
      : handle_(std::move(handle)), channel_(std::move(channel)) {}

  detail::timer_handle handle_;
  Receiver<Instant> channel_;
};

// Runs `fn` in a goroutine of its own after `d`. stop() does not wait for one that has begun.
Timer after_func(std::chrono::nanoseconds d, std::function<void()> fn);

// Timer(d).channel(): for one case of a select.
Receiver<Instant> after(std::chrono::nanoseconds d);

// Fires every `d`, which must be positive, until stopped or destroyed. Does not drift: an interval
// that is missed altogether is skipped.
class Ticker {
 public:
  explicit Ticker(std::chrono::nanoseconds d);
  ~Ticker();
  Ticker(Ticker&&) = default;
  Ticker& operator=(Ticker&&) = default;

  const Receiver<Instant>& channel() const { return channel_; }
  void stop();
  void reset(std::chrono::nanoseconds d);

 private:
  detail::timer_handle handle_;
  Receiver<Instant> channel_;
};

}  // namespace netpoll

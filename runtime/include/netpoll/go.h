// SPDX-License-Identifier: MIT
// Goroutines: start one, give way, sleep. All functions here must be called from inside a goroutine
// of some Runtime and act on that Runtime; called elsewhere they abort with a message.
//
// Goroutines are not preempted: one that computes for long, or calls in a loop something that fails
// without waiting, keeps its worker until it waits or yields.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace netpoll {

// Starts `fn` as a new goroutine. It may run on any worker, at once or later; Runtime::run waits
// for it. An exception that leaves `fn` ends the process through std::terminate.
void go(std::function<void()> fn);

// Lets other runnable goroutines of this worker go first.
void yield();

// Parks the goroutine for at least `d`, by the monotonic clock; at once back if d <= 0. Never
// early; late by up to a millisecond, because epoll_wait counts in milliseconds.
void sleep_for(std::chrono::nanoseconds d);

namespace detail {
void run_blocking(void (*fn)(void*), void* arg);
}

// Calls `fn`, which may block its thread (a system call that cannot be polled, a long computation),
// on a thread set aside for that, while the worker goes on with other goroutines; returns what it
// returns and throws what it throws. Costs two wake-ups of threads. `fn` is not on a goroutine, so
// it must not call what may only be called from one.
template <class F>
auto blocking(F&& fn) -> std::invoke_result_t<F&> {
  using R = std::invoke_result_t<F&>;
  static_assert(!std::is_reference_v<R>, "return a value or a pointer");
  struct outcome {
    F& fn;
    std::optional<std::conditional_t<std::is_void_v<R>, char, R>> value{};
    std::exception_ptr exception{};
  } out{fn};
  detail::run_blocking(
      [](void* arg) {
        auto& o = *static_cast<outcome*>(arg);
        try {
          if constexpr (std::is_void_v<R>) {
            o.fn();
          } else {
            o.value.emplace(o.fn());
          }
        } catch (...) {
          o.exception = std::current_exception();
        }
      },
      &out);
  if (out.exception) std::rethrow_exception(std::move(out.exception));
  if constexpr (!std::is_void_v<R>) return std::move(*out.value);
}

}  // namespace netpoll

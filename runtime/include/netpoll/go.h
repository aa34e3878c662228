// SPDX-License-Identifier: MIT
// Goroutines: start one, give way, sleep. All functions here must be called from inside a goroutine
// of some Runtime and act on that Runtime; called elsewhere they abort with a message.
//
// Goroutines are not preempted: one that computes for long, or calls in a loop something that fails
// without waiting, keeps its worker until it waits or yields.
#pragma once

#include <chrono>
#include <functional>

namespace netpoll {

// Starts `fn` as a new goroutine. It may run on any worker, at once or later; Runtime::run waits
// for it. An exception that leaves `fn` ends the process through std::terminate.
void go(std::function<void()> fn);

// Lets other runnable goroutines of this worker go first.
void yield();

// Parks the goroutine for at least `d`, by the monotonic clock; at once back if d <= 0. Never
// early; late by up to a millisecond, because epoll_wait counts in milliseconds.
void sleep_for(std::chrono::nanoseconds d);

}  // namespace netpoll

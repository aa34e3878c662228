// SPDX-License-Identifier: MIT
#include "kernel/posix_timer.h"

#include <ctime>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "kernel/calls.h"
#include "kernel/clocks.h"
#include "kernel/host.h"
#include "kernel/signals.h"

namespace pollux::kernel {
namespace {

PosixTimers& own_timers() { return process_signals().timers; }

PosixTimer* find_timer(long id) {
  PosixTimers& timers = own_timers();
  if (id < 0 || static_cast<size_t>(id) >= timers.size()) return nullptr;
  PosixTimer& found = timers[static_cast<size_t>(id)];
  return found.used ? &found : nullptr;
}

void arm(PosixTimer&, unsigned host);

void go_on(PosixTimer& timer, unsigned host, int64_t* missed) {
  *missed = std::max<int64_t>(0, (now() - timer.next) / timer.interval);
  timer.next += (*missed + 1) * timer.interval;
  arm(timer, host);
}

void fire(PosixTimer& timer, unsigned number) {
  timer.armed = false;
  timer.queued_setting = timer.setting;
  if (timer.queued) return;  // that of an earlier setting
  timer.queued = true;
  const SignalSet bit = signal_bit(timer.info.si_signo);
  bool is_pending;
  if (timer.notify == SIGEV_THREAD_ID) {
    send_to_thread(timer.thread, timer.info);
    is_pending = (thread_signals(timer.thread).pending.set() & bit) != 0;
  } else {
    send_to_process(number, timer.info);
    is_pending = (host(number).signals.pending.set() & bit) != 0;
  }
  if (is_pending) return;
  timer.queued = false;  // it is ignored; before Linux 6.13 that does not stop the timer
  int64_t missed;
  if (timer.interval != 0) go_on(timer, number, &missed);
}

void arm(PosixTimer& timer, unsigned number) {
  if (timer.next == kNever || timer.notify == SIGEV_NONE) return;
  timer.armed = true;
  state.timeline->add(
      late(std::max(timer.next, now())),
      [](void* object, uint64_t setting, uint64_t host_number) {
        auto* fired = static_cast<PosixTimer*>(object);
        if (fired->setting == setting && fired->armed)
          fire(*fired, static_cast<unsigned>(host_number));
      },
      &timer, timer.setting, number);
}

void disarm(PosixTimer& timer) {
  ++timer.setting;
  timer.armed = false;
  timer.next = kNever;
  timer.interval = 0;
}

// common_timer_get
itimerspec value_of(const PosixTimer& timer) {
  itimerspec value{explore::to_timespec(timer.interval), {}};
  if (timer.next == kNever) return value;
  int64_t next = timer.next;
  const bool waits = timer.queued || timer.notify == SIGEV_NONE;
  if (waits && next <= now()) {
    if (timer.interval == 0) return value;
    next += ((now() - next) / timer.interval + 1) * timer.interval;
  }
  const bool runs = timer.armed || waits;
  value.it_value = explore::to_timespec(next > now() ? next - now() : runs ? 1 : 0);
  return value;
}

// good_sigevent. 0, or an errno.
long take_event(const sigevent* event, long id, PosixTimer* timer) {
  timer->info = {};
  timer->info.si_code = SI_TIMER;
  timer->info.si_timerid = static_cast<int>(id);
  if (event == nullptr) {
    timer->notify = SIGEV_SIGNAL;
    timer->info.si_signo = SIGALRM;
    timer->info.si_value.sival_int = static_cast<int>(id);
    return 0;
  }
  if (bad_address(event)) return -EFAULT;
  timer->notify = event->sigev_notify;
  timer->info.si_value = event->sigev_value;
  timer->info.si_signo = event->sigev_signo;
  switch (event->sigev_notify) {
    case SIGEV_NONE:
      return 0;
    case SIGEV_THREAD_ID:
      timer->thread = thread_of_id(event->_sigev_un._tid);
      if (timer->thread == kNetwork) return -EINVAL;
      [[fallthrough]];
    case SIGEV_SIGNAL:
      return event->sigev_signo >= 1 && event->sigev_signo <= kSignals ? 0 : -EINVAL;
    default:
      return -EINVAL;
  }
}

long check_clock(int clock) {
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
      return 0;
    case CLOCK_REALTIME_ALARM:
    case CLOCK_BOOTTIME_ALARM:
      return -EPERM;  // without CAP_WAKE_ALARM
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
      return -EOPNOTSUPP;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
      unmodelled("timer_create of CPU time");
    default:
      return -EINVAL;
  }
}

}  // namespace

void forget_timers(PosixTimers& timers) {
  for (PosixTimer& timer : timers) {
    disarm(timer);
    timer.used = timer.queued = false;
  }
}

void timer_signal_taken(PosixTimers& timers, unsigned number, siginfo_t* info) {
  PosixTimer& timer = timers[static_cast<size_t>(info->si_timerid)];
  timer.queued = false;
  int64_t missed = 0;
  if (timer.used && timer.queued_setting == timer.setting && timer.interval != 0)
    go_on(timer, number, &missed);
  timer.overrun = static_cast<int>(std::min<int64_t>(missed, INT_MAX));
  info->si_overrun = timer.overrun;
}

long call_timer_create(const Arguments& a) {
  if (long error = check_clock(a.integer(0)); error != 0) return error;
  PosixTimers& timers = own_timers();
  size_t id = 0;
  while (id < timers.size() && (timers[id].used || timers[id].queued)) ++id;
  if (id == timers.size()) timers.emplace_back();
  PosixTimer& timer = timers[id];
  if (long error = take_event(a.pointer<const sigevent>(1), static_cast<long>(id), &timer);
      error != 0)
    return error;
  if (bad_address(a.pointer<int>(2))) return -EFAULT;
  *a.pointer<int>(2) = static_cast<int>(id);
  timer.clock = a.integer(0);
  timer.overrun = 0;
  disarm(timer);
  timer.used = true;
  return 0;
}

long call_timer_settime(const Arguments& a) {
  const auto* wanted = a.pointer<const itimerspec>(2);
  auto* old = a.pointer<itimerspec>(3);
  if (wanted == nullptr) return -EINVAL;
  if (bad_address(wanted)) return -EFAULT;
  const itimerspec value = *wanted;
  if (!explore::is_valid(value.it_value) || !explore::is_valid(value.it_interval)) return -EINVAL;
  PosixTimer* timer = find_timer(a.integer(0));
  if (timer == nullptr) return -EINVAL;
  const itimerspec before = value_of(*timer);
  disarm(*timer);
  timer->overrun = 0;
  const Time when = explore::duration_of(value.it_value);
  if (when != 0) {
    timer->interval = explore::duration_of(value.it_interval);
    const bool absolute = (a.integer(1) & TIMER_ABSTIME) != 0 && when != kNever;
    timer->next = absolute ? when - explore::clock_base(timer->clock) : after(when);
    arm(*timer, explore::current_host());
  }
  if (old == nullptr) return 0;
  if (bad_address(old)) return -EFAULT;
  *old = before;
  return 0;
}

long call_timer_gettime(const Arguments& a) {
  const PosixTimer* timer = find_timer(a.integer(0));
  if (timer == nullptr) return -EINVAL;
  if (bad_address(a.pointer<void>(1))) return -EFAULT;
  *a.pointer<itimerspec>(1) = value_of(*timer);
  return 0;
}

long call_timer_getoverrun(const Arguments& a) {
  const PosixTimer* timer = find_timer(a.integer(0));
  return timer != nullptr ? timer->overrun : -EINVAL;
}

long call_timer_delete(const Arguments& a) {
  PosixTimer* timer = find_timer(a.integer(0));
  if (timer == nullptr) return -EINVAL;
  disarm(*timer);
  timer->used = false;
  return 0;
}

}  // namespace pollux::kernel

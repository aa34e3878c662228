// SPDX-License-Identifier: MIT
//
// setitimer(ITIMER_REAL), getitimer and alarm. As in Linux, a periodic timer stops when it fires
// and goes on when its SIGALRM is taken, so ticks that nobody takes do not pile up.
#include <sys/time.h>

#include <cerrno>

#include "kernel/calls.h"
#include "kernel/clocks.h"
#include "kernel/host.h"
#include "kernel/signals.h"

namespace pollux::kernel {
namespace {

void arm(IntervalTimer& timer, unsigned number) {
  timer.armed = true;
  state.timeline->add(
      late(timer.next > now() ? timer.next : now()),
      [](void* object, uint64_t setting, uint64_t host_number) {
        auto* fired = static_cast<IntervalTimer*>(object);
        if (fired->setting != setting || !fired->armed) return;
        fired->armed = false;
        send_to_process(static_cast<unsigned>(host_number), make_siginfo(SIGALRM, SI_KERNEL));
      },
      &timer, timer.setting, number);
}

bool is_valid(const timeval& value) {
  return value.tv_sec >= 0 && value.tv_usec >= 0 && value.tv_usec < 1'000'000;
}

Time to_time(const timeval& value) {
  return explore::duration_of({value.tv_sec, value.tv_usec * 1000});
}

timeval to_timeval(Time time) { return {time / explore::kSecond, time % explore::kSecond / 1000}; }

void check_which(int which, const char* call) {
  if (which != ITIMER_REAL) unmodelled((std::string(call) + " of CPU time").c_str());
}

itimerval value_of(const IntervalTimer& timer) {
  return {to_timeval(timer.interval), to_timeval(time_left(timer))};
}

}  // namespace

void set_timer(IntervalTimer& timer, unsigned number, Time wait, Time interval) {
  ++timer.setting;
  timer.armed = false;
  timer.interval = interval;
  if (wait == 0) return;
  timer.next = after(wait);
  if (timer.next != kNever) arm(timer, number);
}

// itimer_get_remtime: a timer whose time has come but which is late still shows that it runs.
Time time_left(const IntervalTimer& timer) {
  if (!timer.armed) return 0;
  return timer.next > now() ? timer.next - now() : 1000;
}

void restart_timer(IntervalTimer& timer, unsigned number) {
  if (timer.armed || timer.interval == 0) return;
  timer.next += ((now() - timer.next) / timer.interval + 1) * timer.interval;
  arm(timer, number);
}

long call_setitimer(const Arguments& a) {
  const auto* wanted = a.pointer<const itimerval>(1);
  auto* old = a.pointer<itimerval>(2);
  int which = a.integer(0);
  if (which < ITIMER_REAL || which > ITIMER_PROF) return -EINVAL;
  itimerval value{};
  if (wanted != nullptr) {
    if (bad_address(wanted)) return -EFAULT;
    value = *wanted;
    if (!is_valid(value.it_value) || !is_valid(value.it_interval)) return -EINVAL;
  }
  check_which(which, "setitimer");
  IntervalTimer& timer = process_signals().timer;
  itimerval before = value_of(timer);
  set_timer(timer, explore::current_host(), to_time(value.it_value), to_time(value.it_interval));
  if (old == nullptr) return 0;
  if (bad_address(old)) return -EFAULT;
  *old = before;
  return 0;
}

long call_getitimer(const Arguments& a) {
  int which = a.integer(0);
  if (which < ITIMER_REAL || which > ITIMER_PROF) return -EINVAL;
  check_which(which, "getitimer");
  if (bad_address(a.pointer<void>(1))) return -EFAULT;
  *a.pointer<itimerval>(1) = value_of(process_signals().timer);
  return 0;
}

// alarm_setitimer: what was left, to the nearest second, but never 0 for a timer that runs.
long call_alarm(const Arguments& a) {
  IntervalTimer& timer = process_signals().timer;
  Time left = time_left(timer);
  set_timer(timer, explore::current_host(), static_cast<uint32_t>(a[0]) * explore::kSecond, 0);
  Time seconds = left / explore::kSecond, rest = left % explore::kSecond;
  if ((seconds == 0 && rest != 0) || rest >= explore::kSecond / 2) ++seconds;
  return seconds;
}

}  // namespace pollux::kernel

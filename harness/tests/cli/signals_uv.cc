// SPDX-License-Identifier: MIT
//
// A program for `pollux exec`: uv_signal_t with a signal that is sent and one of a periodic timer.
#include <sys/time.h>
#include <unistd.h>
#include <uv.h>

#include <csignal>
#include <cstdio>

static uv_signal_t on_user, on_alarm;
static int users, alarms;

static void user_came(uv_signal_t*, int) {
  if (++users == 3) uv_close(reinterpret_cast<uv_handle_t*>(&on_user), nullptr);
}

static void alarm_came(uv_signal_t*, int) {
  ::raise(SIGUSR1);
  if (++alarms < 3) return;
  itimerval off = {};
  setitimer(ITIMER_REAL, &off, nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&on_alarm), nullptr);
}

int main() {
  uv_loop_t loop;
  uv_loop_init(&loop);
  uv_signal_init(&loop, &on_user);
  uv_signal_init(&loop, &on_alarm);
  uv_signal_start(&on_user, user_came, SIGUSR1);
  uv_signal_start(&on_alarm, alarm_came, SIGALRM);
  itimerval often = {{0, 20'000}, {0, 10'000}};
  setitimer(ITIMER_REAL, &often, nullptr);
  uv_run(&loop, UV_RUN_DEFAULT);
  uv_loop_close(&loop);
  std::printf("%d SIGUSR1, %d SIGALRM\n", users, alarms);
  return users == 3 && alarms == 3 ? 0 : 1;
}

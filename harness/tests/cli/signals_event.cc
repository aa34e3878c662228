// SPDX-License-Identifier: MIT
//
// A program for `pollux exec`: libevent's evsignal with a signal that is sent and one of a timer.
#include <event2/event.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

static event_base* base;
static event *on_user, *on_alarm;
static int users, alarms;

static void user_came(evutil_socket_t, short, void*) {
  if (++users == 3) event_del(on_user);
}

static void alarm_came(evutil_socket_t, short, void*) {
  ::kill(::getpid(), SIGUSR1);
  if (++alarms < 3) return;
  itimerval off = {};
  setitimer(ITIMER_REAL, &off, nullptr);
  event_del(on_alarm);
}

int main() {
  base = event_base_new();
  on_user = evsignal_new(base, SIGUSR1, user_came, nullptr);
  on_alarm = evsignal_new(base, SIGALRM, alarm_came, nullptr);
  event_add(on_user, nullptr);
  event_add(on_alarm, nullptr);
  itimerval often = {{0, 20'000}, {0, 10'000}};
  setitimer(ITIMER_REAL, &often, nullptr);
  event_base_dispatch(base);
  event_free(on_user);
  event_free(on_alarm);
  event_base_free(base);
  std::printf("%d SIGUSR1, %d SIGALRM\n", users, alarms);
  return users == 3 && alarms == 3 ? 0 : 1;
}

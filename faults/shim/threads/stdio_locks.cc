// SPDX-License-Identifier: MIT
//
// The lock of a FILE is libc's own, and libc takes it without asking anybody. A thread that holds
// it must not be switched away: the next one to use the FILE would stop the carrier for good.
// Where it did wait inside such a section, others wait for it by yielding.
#include <stdio.h>
#include <sys/syscall.h>

#include "shim/threads/entry.h"

using namespace pollux::shim;

static void hold_carrier() {
  HarnessScope scope;
  backend().threads->no_preempt_begin();
}

static void release_carrier() {
  HarnessScope scope;
  backend().threads->no_preempt_end();
}

POLLUX_ENTRY void flockfile(FILE* file) noexcept {
  if (!in_run()) return POLLUX_NEXT(flockfile)(file);
  while (POLLUX_NEXT(ftrylockfile)(file) != 0) call(SYS_sched_yield);
  hold_carrier();
}

POLLUX_ENTRY int ftrylockfile(FILE* file) noexcept {
  int busy = POLLUX_NEXT(ftrylockfile)(file);
  if (busy == 0 && in_run()) hold_carrier();
  return busy;
}

POLLUX_ENTRY void funlockfile(FILE* file) noexcept {
  POLLUX_NEXT(funlockfile)(file);
  if (in_run()) release_carrier();
}

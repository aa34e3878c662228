// SPDX-License-Identifier: MIT
//
// syscall(2) itself: libuv closes by it, libstdc++ waits on futexes by it.
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>

#include "shim/entry.h"

using namespace pollux::shim;

// Calls through syscall(2) on a descriptor in the first argument that programs are known to make.
static bool takes_descriptor(long number) {
  switch (number) {
    case SYS_read:
    case SYS_write:
    case SYS_close:
    case SYS_readv:
    case SYS_writev:
    case SYS_accept4:
    case SYS_sendmmsg:
    case SYS_recvmmsg:
    case SYS_dup3:
    case SYS_epoll_ctl:
    case SYS_epoll_pwait:
      return true;
    default:
      return false;
  }
}

// All six arguments are read whatever the number takes: a caller passes fewer, but what lies in
// their places may be read, though not as far as a sanitizer knows.
POLLUX_ENTRY __attribute__((no_sanitize("address"))) long syscall(long number, ...) noexcept {
  long arguments[6];
  va_list list;
  va_start(list, number);
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  if (__builtin_expect(pollux_run_carrier != 0, 0) && takes_descriptor(number)) {
    refuse_foreign_thread(__func__, static_cast<int>(arguments[0]));
  }
  return result<long>(call_words(number, arguments[0], arguments[1], arguments[2], arguments[3],
                                 arguments[4], arguments[5]));
}

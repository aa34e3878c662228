// SPDX-License-Identifier: MIT
#include "pollux/shim/window.h"

#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "shim/entry.h"

extern "C" {
pid_t pollux_run_carrier = 0;
}

namespace pollux::shim {
namespace {

void say(const char* text) {
  raw_system_call(SYS_write, STDERR_FILENO, word(text), word(std::strlen(text)));
}

// Decimal, without stdio: the caller may be anywhere, even inside libc.
const char* decimal(char (&buffer)[12], int value) {
  char* at = buffer + sizeof buffer;
  *--at = '\0';
  do {
    *--at = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return at;
}

}  // namespace

void refuse_foreign_thread(const char* call, int fd) {
  if (in_run() || !in_window(fd)) return;
  if (raw_system_call(SYS_gettid) == pollux_run_carrier) return;  // the harness, inside its run
  char number[12];
  say("pollux: a thread that is not part of the run called ");
  say(call);
  say(" on the run's descriptor ");
  say(decimal(number, fd));
  say("\n");
  std::abort();
}

void* next_definition(const char* name) { return dlsym(RTLD_NEXT, name); }

}  // namespace pollux::shim

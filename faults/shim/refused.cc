// SPDX-License-Identifier: MIT
//
// What a run does not know: each of these ends it as unmodelled, with its name. They would reach
// the real kernel from inside libc, where nothing can be interposed, and the run would go on in two
// worlds at once. Outside of a run they are libc's own.
#include <dlfcn.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cstdarg>

#include "shim/entry.h"

using namespace pollux::shim;

// `failed`: what the function returns, should the backend come back.
#define POLLUX_REFUSED(type, function, parameters, arguments, exceptions, failed) \
  POLLUX_ENTRY type function parameters exceptions {                              \
    auto* real = in_run() ? nullptr : POLLUX_NEXT(function);                      \
    if (real != nullptr) return real arguments;                                   \
    if (in_run()) unmodelled(#function);                                          \
    errno = ENOSYS;                                                               \
    return failed;                                                                \
  }

// --- Other programs

POLLUX_REFUSED(int, system, (const char* command), (command), , -1)
POLLUX_REFUSED(FILE*, popen, (const char* command, const char* mode), (command, mode), , nullptr)
POLLUX_REFUSED(int, daemon, (int nochdir, int noclose), (nochdir, noclose), noexcept, -1)
POLLUX_REFUSED(int, posix_spawn,
               (pid_t * pid, const char* path, const posix_spawn_file_actions_t* actions,
                const posix_spawnattr_t* attributes, char* const* argv, char* const* envp),
               (pid, path, actions, attributes, argv, envp), , ENOSYS)
POLLUX_REFUSED(int, posix_spawnp,
               (pid_t * pid, const char* file, const posix_spawn_file_actions_t* actions,
                const posix_spawnattr_t* attributes, char* const* argv, char* const* envp),
               (pid, file, actions, attributes, argv, envp), , ENOSYS)

// --- The machine's network

POLLUX_REFUSED(int, getifaddrs, (ifaddrs * *list), (list), noexcept, -1)
POLLUX_REFUSED(hostent*, gethostbyname, (const char* name), (name), , nullptr)
POLLUX_REFUSED(hostent*, gethostbyaddr, (const void* address, socklen_t length, int type),
               (address, length, type), , nullptr)

// --- stdio on a descriptor of the run: libc would read and write the real one of that number.

POLLUX_ENTRY FILE* fdopen(int fd, const char* mode) noexcept {
  if (is_twin(fd)) {
    unmodelled("fdopen");
    errno = ENOSYS;
    return nullptr;
  }
  auto* real = POLLUX_NEXT(fdopen);
  return real != nullptr ? real(fd, mode) : nullptr;
}

static int refuse_dprintf() {
  unmodelled("dprintf");
  errno = ENOSYS;
  return -1;
}

POLLUX_ENTRY int vdprintf(int fd, const char* format, va_list list) {
  if (is_twin(fd)) return refuse_dprintf();
  auto* real = POLLUX_NEXT(vdprintf);
  return real != nullptr ? real(fd, format, list) : -1;
}

POLLUX_ENTRY int dprintf(int fd, const char* format, ...) {
  va_list list;
  va_start(list, format);
  int written = vdprintf(fd, format, list);
  va_end(list);
  return written;
}

POLLUX_ENTRY int __vdprintf_chk(int fd, int /*flag*/, const char* format, va_list list) {
  return vdprintf(fd, format, list);
}

POLLUX_ENTRY int __dprintf_chk(int fd, int /*flag*/, const char* format, ...) {
  va_list list;
  va_start(list, format);
  int written = vdprintf(fd, format, list);
  va_end(list);
  return written;
}

// SPDX-License-Identifier: MIT
//
// Files by stdio that must not be the real ones: libc opens and reads them inside of itself.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "shim/entry.h"

using namespace pollux::shim;

// --- Randomness

static ssize_t read_random(void*, char* buffer, size_t size) { return getrandom(buffer, size, 0); }

static bool is_random_device(const char* path) {
  return strcmp(path, "/dev/urandom") == 0 || strcmp(path, "/dev/random") == 0;
}

static FILE* open_random() {
  cookie_io_functions_t functions = {};
  functions.read = read_random;
  return fopencookie(nullptr, "r", functions);
}

// --- The files of /proc and /sys: the backend makes those that tell of the run's own machine, as
// real files of its own.

static bool may_tell_of_the_machine(const char* path) {
  return strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/sys/", 5) == 0;
}

// What open(2) makes of fopen's mode, as far as it matters for a file that is there.
static int flags_of(const char* mode) {
  if (strchr(mode, '+') != nullptr) return O_RDWR | O_CLOEXEC;
  return (mode[0] == 'r' ? O_RDONLY : O_WRONLY) | O_CLOEXEC;
}

static FILE* open_file(decltype(fopen)* real, const char* path, const char* mode) {
  if (in_run() && is_random_device(path)) return open_random();
  if (in_run() && may_tell_of_the_machine(path)) {
    int fd = open(path, flags_of(mode));
    if (fd < 0) return nullptr;
    FILE* stream = fdopen(fd, mode);
    if (stream == nullptr) close(fd);
    return stream;
  }
  if (real != nullptr) return real(path, mode);
  errno = ENOSYS;
  return nullptr;
}

POLLUX_ENTRY FILE* fopen(const char* path, const char* mode) {
  return open_file(POLLUX_NEXT(fopen), path, mode);
}

POLLUX_ENTRY FILE* fopen64(const char* path, const char* mode) {
  return open_file(POLLUX_NEXT(fopen64), path, mode);
}

// Which processes, threads and descriptors there are is listed by none of the backend's calls.
POLLUX_ENTRY DIR* opendir(const char* path) {
  if (in_run() && (may_tell_of_the_machine(path) || strcmp(path, "/proc") == 0)) {
    unmodelled("opendir of /proc or /sys");
    errno = ENOSYS;
    return nullptr;
  }
  auto* real = POLLUX_NEXT(opendir);
  if (real != nullptr) return real(path);
  errno = ENOSYS;
  return nullptr;
}

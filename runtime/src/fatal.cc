// SPDX-License-Identifier: MIT
// Formats into a small buffer and hands it to stderr whole: the caller may stand at the end of a
// goroutine's small stack, and printf to an unbuffered stream takes 8 KiB of it.
#include "src/fatal.h"

#include <cstdio>
#include <cstdlib>

#include "src/goroutine_dump.h"

namespace netpoll {

namespace {

[[noreturn]] void die(const char* message) noexcept {
  std::fputs(message, stderr);
  dump_goroutines();
  std::abort();
}

}  // namespace

void fatal(const char* what) noexcept {
  char message[256];
  std::snprintf(message, sizeof message, "fatal: %s\n", what);
  die(message);
}

void fatal(const char* what, long detail) noexcept {
  char message[256];
  std::snprintf(message, sizeof message, "fatal: %s (%ld)\n", what, detail);
  die(message);
}

}  // namespace netpoll

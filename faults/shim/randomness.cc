// SPDX-License-Identifier: MIT
//
// Entry points that bring randomness into the program. In a run all of it comes from getrandom,
// which the run's choices answer.
#include <stdlib.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "shim/entry.h"

using namespace pollux::shim;

static long fill(void* buffer, size_t size, unsigned flags) {
  return call(SYS_getrandom, buffer, size, flags);
}

// Until the buffer is full: a request above 256 bytes may be answered in parts (getrandom(2)).
static bool fill_whole(void* buffer, size_t size) {
  char* at = static_cast<char*>(buffer);
  while (size != 0) {
    long got = fill(at, size, 0);
    if (got == -EINTR) continue;
    if (got <= 0) {
      result(got);
      return false;
    }
    at += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

POLLUX_ENTRY ssize_t getrandom(void* buffer, size_t size, unsigned flags) {
  return result<ssize_t>(fill(buffer, size, flags));
}

POLLUX_ENTRY int getentropy(void* buffer, size_t size) {
  if (size > 256) return result(-EIO);  // getentropy(3)
  return fill_whole(buffer, size) ? 0 : -1;
}

// They can not fail (arc4random(3)): without randomness there is no going on.
POLLUX_ENTRY void arc4random_buf(void* buffer, size_t size) noexcept {
  if (!fill_whole(buffer, size)) abort();
}

POLLUX_ENTRY uint32_t arc4random() noexcept {
  uint32_t value = 0;
  arc4random_buf(&value, sizeof value);
  return value;
}

POLLUX_ENTRY uint32_t arc4random_uniform(uint32_t bound) noexcept {
  if (bound < 2) return 0;
  uint32_t unfair = -bound % bound;  // so many lowest values would make some results likelier
  uint32_t value;
  do {
    value = arc4random();
  } while (value < unfair);
  return value % bound;
}

// std::random_device::_M_getval. libstdc++ takes rdrand there, which nothing else can intercept.
// Weak: in a program with a static libstdc++ that one's definition stays.
extern "C" __attribute__((visibility("default"), weak)) unsigned _ZNSt13random_device9_M_getvalEv(
    void* self) {
  if (!in_run()) {
    static unsigned (*cell)(void*);
    if (auto* real = next(cell, "_ZNSt13random_device9_M_getvalEv")) return real(self);
  }
  return arc4random();
}

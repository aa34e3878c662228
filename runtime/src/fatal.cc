// SPDX-License-Identifier: MIT
#include "src/fatal.h"

#include <cstdio>
#include <cstdlib>

namespace netpoll {

void fatal(const char* what) noexcept {
  std::fprintf(stderr, "fatal: %s\n", what);
  std::abort();
}

void fatal(const char* what, long detail) noexcept {
  std::fprintf(stderr, "fatal: %s (%ld)\n", what, detail);
  std::abort();
}

}  // namespace netpoll

// SPDX-License-Identifier: MIT
//
// Our own bugs and a machine without resources: print and leave with exit code 70.
#pragma once

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include <unistd.h>

#include "pollux/verdict.h"

namespace pollux::run {

inline void check(bool holds, const char* what) {
  if (holds) [[likely]]
    return;
  int error = errno;
  std::fprintf(stderr, "pollux: %s: %s\n", what, std::strerror(error));
  std::fflush(nullptr);
  ::_exit(exit_code::kInternal);
}

}  // namespace pollux::run

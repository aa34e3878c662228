// SPDX-License-Identifier: MIT
#include "explore/check.h"

#include <sys/syscall.h>

#include <cstdio>
#include <cstdlib>

#include "pollux/shim/gate.h"
#include "pollux/shim/raw_system_call.h"

namespace pollux::explore {

void check_failed(const char* condition, const char* file, int line) {
  shim::pollux_gate = 0;
  char text[512];
  int size = std::snprintf(text, sizeof text, "pollux: internal check failed: %s (%s:%d)\n",
                           condition, file, line);
  shim::raw_system_call(SYS_write, 2, reinterpret_cast<long>(text), size);
  std::abort();
}

}  // namespace pollux::explore

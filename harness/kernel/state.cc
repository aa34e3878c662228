// SPDX-License-Identifier: MIT
#include "kernel/state.h"

#include <cstdio>
#include <cstdlib>

#include "kernel/check.h"

namespace pollux::kernel {

State state;

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "pollux: twin kernel: check failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

void unmodelled(const char* what) { explore::end_run(Verdict::unmodelled, what); }

}  // namespace pollux::kernel

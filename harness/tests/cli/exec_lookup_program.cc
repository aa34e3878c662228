// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <cstdio>

#include "exec_lookup.h"

int main() {
  int thread = lookup::id_of_next_thread() - getpid(), process = lookup::process_id_of_libc();
  std::FILE* file = std::fopen("/dev/null", "r");
  std::printf("thread +%d, process %d, file %s after %d, 1 is %ld\n", thread, process,
              file != nullptr ? "open" : "shut", lookup::wrapped_fopens(), lookup::next_a64l("1"));
}

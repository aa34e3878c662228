// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <cstdio>

#include "exec_library.h"

int main() {
  int thread = library::id_of_next_thread() - getpid(), process = library::process_id_of_libc();
  std::FILE* file = std::fopen("/dev/null", "r");
  std::printf("thread +%d, process %d, file %s after %d, 1 is %ld\n", thread, process,
              file != nullptr ? "open" : "shut", library::wrapped_fopens(),
              library::next_a64l("1"));
  std::printf("%d processors at first\n", library::first_processors());
}

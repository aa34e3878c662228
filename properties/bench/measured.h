// SPDX-License-Identifier: MIT
//
// What the programs that measure whole runs have in common.
#pragma once

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>

namespace pollux::bench {

// Of this process, in user and kernel.
inline double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// A measurement of something that went wrong is none.
inline void require(bool held, const char* what) {
  if (held) return;
  std::fprintf(stderr, "bench: %s\n", what);
  std::exit(1);
}

}  // namespace pollux::bench

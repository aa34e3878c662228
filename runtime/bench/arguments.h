// SPDX-License-Identifier: MIT
// Numbers from the command line, for the bench programs.
#pragma once

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

// argv[i] as a number from low to high; `fallback` if there is no such argument and fallback >=
// low; otherwise prints `usage` and exits with 2.
inline int number(int argc, char** argv, int i, int low, int high, int fallback,
                  const char* usage) {
  if (i >= argc && fallback >= low) return fallback;
  int value = 0;
  if (i < argc) {
    const char* end = argv[i] + std::strlen(argv[i]);
    const auto [p, err] = std::from_chars(argv[i], end, value);
    if (err == std::errc() && p == end && value >= low && value <= high) return value;
  }
  std::fprintf(stderr, "usage: %s\n", usage);
  std::exit(2);
}

inline constexpr int required = -1;

}  // namespace bench

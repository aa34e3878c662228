// SPDX-License-Identifier: MIT
// Numbers on the command line of the examples.
#pragma once

#include <charconv>
#include <cstring>

// All of `text` as a number from `low` to `high`; false if it is not one.
inline bool parse_number(const char* text, int low, int high, int* out) {
  const char* end = text + std::strlen(text);
  const auto [p, err] = std::from_chars(text, end, *out);
  return err == std::errc() && p == end && *out >= low && *out <= high;
}

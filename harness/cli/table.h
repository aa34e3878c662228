// SPDX-License-Identifier: MIT
//
// A table for a terminal: columns aligned to the left, long cells wrapped at blanks.
#pragma once

#include <string>
#include <vector>

namespace pollux::cli {

// The first row is the head. No cell is wider than `cell_max` unless one word is.
std::string format_table(const std::vector<std::vector<std::string>>& rows, size_t cell_max);

}  // namespace pollux::cli

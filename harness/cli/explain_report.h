// SPDX-License-Identifier: MIT
//
// A failure on one screen: at most 40 lines of at most 100 columns, and the replay command last.
#pragma once

#include <cstdio>
#include <string>

#include "run/explain.h"

namespace pollux::cli {

// `origin`: "seed 17", "shrunk" or empty.
void print_explanation(const run::Explanation&, const std::string& origin, const std::string& token,
                       std::FILE* = stdout);

}  // namespace pollux::cli

// SPDX-License-Identifier: MIT
//
// A failure on one screen: at most 40 lines of at most 100 columns, and the replay command last.
#pragma once

#include <cstdio>
#include <optional>
#include <string>

#include "run/explain.h"

namespace pollux::cli {

// `origin`: "seed 17", "shrunk" or empty.
void print_explanation(const run::Explanation&, const std::string& origin, const std::string& token,
                       std::FILE* = stdout);

// Runs the failing plan again as often as it takes, and prints; the plain report, and nothing
// returned, when it can not be explained. Continuations are drawn from `mix`.
std::optional<run::Explanation> explain_failure(const run::Plan&, const RunResult&,
                                                std::shared_ptr<const run::Mix> mix,
                                                const std::string& origin, const std::string& token,
                                                std::FILE* = stdout);

}  // namespace pollux::cli

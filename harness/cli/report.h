// SPDX-License-Identifier: MIT
//
// What a person reads: one failure on at most a screen, and the sum of a sweep.
#pragma once

#include <cstdio>
#include <string>

#include "run/sweep.h"
#include "run/token.h"

namespace pollux::cli {

// 12345678 -> "12.3 M"
std::string short_number(double);
// "998 held, 1 violation, 1 lost-wakeup"
std::string by_verdict(const run::SweepTotals&);
// "4 deviations: 1 fault, 2 switches, 1 other"
std::string count_deviations(const std::vector<Deviation>&);

// One line, cut to a sensible length.
std::string headline(const RunResult&);

// At most a screen unless `all_details`; the last line is "pollux replay TOKEN". `origin`: "seed
// 17" or empty.
void print_failure(const run::Plan&, const RunResult&, const std::string& origin,
                   const std::string& token, std::FILE* = stdout, bool all_details = false);

void print_summary(const run::SweepRequest&, const run::SweepTotals&, std::FILE* = stdout);

// What a caller should do about runs that ended so.
int exit_code_of(Verdict);

}  // namespace pollux::cli

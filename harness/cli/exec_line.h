// SPDX-License-Identifier: MIT
//
// The line that a program under `pollux exec` ends with on stderr.
#pragma once

#include <string>

#include "run/plan.h"
#include "run/text_code.h"

namespace pollux::cli {

// "pollux: seed 17 verdict held hash 0123456789abcdef calls 42"; a run of explicit deviations has
// "-" for its seed.
inline std::string exec_line(const std::variant<run::Drawn, std::vector<Deviation>>& choices,
                             const RunResult& result) {
  auto* drawn = std::get_if<run::Drawn>(&choices);
  return "pollux: seed " + (drawn != nullptr ? std::to_string(drawn->seed) : std::string("-")) +
         " verdict " + std::string(to_string(result.verdict)) + " hash " + run::hex(result.hash) +
         " calls " + std::to_string(result.calls);
}

}  // namespace pollux::cli

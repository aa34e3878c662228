// SPDX-License-Identifier: MIT
//
// A token from the command line, checked in full.
#pragma once

#include <string>
#include <utility>

#include "cli/arguments.h"
#include "cli/exec_suite.h"
#include "run/token.h"

namespace pollux::cli {

// Throws UsageError: damaged, foreign, or of another build and not forced.
inline std::pair<run::Token, run::Plan> token_argument(const std::string& command,
                                                       const std::string& text, bool force) {
  if (text.empty())
    throw UsageError{"pollux " + command + ": which token? Paste the line, or name its file"};
  auto parsed = run::parse_token(text);
  if (auto* error = std::get_if<run::TokenError>(&parsed)) throw UsageError{error->message};
  run::Token token = std::get<run::Token>(std::move(parsed));
  // An unknown suite says more than an unknown build.
  auto plan = run::plan_of(token);
  if (auto* error = std::get_if<run::TokenError>(&plan)) throw UsageError{error->message};
  std::string other = run::other_build(token, build_of(std::get<run::Plan>(plan)));
  if (!other.empty() && !force) throw UsageError{other};
  return {std::move(token), std::get<run::Plan>(std::move(plan))};
}

}  // namespace pollux::cli

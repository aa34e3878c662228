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

struct GivenToken {
  run::Token token;
  run::Plan plan;
  std::string other;  // which other build made it, in a line; empty: this very one
};

// Throws UsageError: damaged or foreign. Takes those of other builds.
inline GivenToken token_of_any_build(const std::string& command, const std::string& text) {
  if (text.empty())
    throw UsageError{"pollux " + command + ": which token? Paste the line, or name its file"};
  auto parsed = run::parse_token(text);
  if (auto* error = std::get_if<run::TokenError>(&parsed)) throw UsageError{error->message};
  GivenToken given{std::get<run::Token>(std::move(parsed)), {}, ""};
  run::Token here = given.token;
  if (here.suite == kExecSuite) given.other = take_program_of_today(here.workload);
  // An unknown suite says more than an unknown build.
  auto plan = run::plan_of(here);
  if (auto* error = std::get_if<run::TokenError>(&plan)) throw UsageError{error->message};
  given.plan = std::get<run::Plan>(std::move(plan));
  if (given.other.empty()) given.other = run::other_build(given.token, build_of(given.plan));
  return given;
}

// Throws also when it is of another build and not forced.
inline std::pair<run::Token, run::Plan> token_argument(const std::string& command,
                                                       const std::string& text, bool force) {
  GivenToken given = token_of_any_build(command, text);
  if (!given.other.empty() && !force) {
    throw UsageError{given.other +
                     ": `pollux replay` looks for its failure here and prints a token of this "
                     "build, or try it as it is with --force"};
  }
  return {std::move(given.token), std::move(given.plan)};
}

}  // namespace pollux::cli

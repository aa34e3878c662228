// SPDX-License-Identifier: MIT
//
// A token: a failure as one printable line that replays it.
//
//   pollux1.SUITE.PAYLOAD.CHECKSUM
//
// The payload is CBOR in base64url: the plan of the run (workload, and either the seed with the
// strategy and profile that draw from it, or the deviations themselves), what the run found
// (verdict, property, hash) and the build that found it. The alphabet needs no quoting in a shell.
// A token that would be longer than kLineMax characters is written to a file and the line names it.
//
// Choice sites and failure points are stored by name, so that a token says what it means even where
// numbers have moved. It is nevertheless only promised to replay in the build that made it; in
// another one its failure is looked for (elsewhere.h), by the meanings that the token of a shrunk
// failure has beside its deviations.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "run/meaning.h"
#include "run/plan.h"

namespace pollux::run {

inline constexpr unsigned kTokenVersion = 1;
inline constexpr size_t kLineMax = 4000;
inline constexpr size_t kMeaningsMost = 16;  // deviations; of more a token would get long

struct Token {
  std::string suite;
  std::string workload;
  std::variant<Drawn, std::vector<Deviation>> choices;
  Overrides overrides;
  std::optional<Redrawn> then;
  std::shared_ptr<const NetworkFile> network = nullptr;  // whole: a replay needs no file
  std::vector<Meaning> meanings;  // of the deviations, in their order; or none

  Verdict verdict = Verdict::held;  // expected
  std::string property;
  uint64_t hash = 0;  // 0: not known, the run died before it could tell

  std::string build;  // build_id() of the binary that made it
  std::string compiler;
};
bool operator==(const Token&, const Token&);

// `build`: what carries out the plan; this binary when empty.
Token make_token(const Plan&, const RunResult&, const std::string& build = "");

// `logged`: the run of the token's plan, with its log. Does nothing when that did not make just the
// token's deviations, or there are too many of them.
void add_meanings(Token&, const RunResult& logged);

std::string encode(const Token&);

// The line itself, or the name of the file that it was put into. Files go to the current folder;
// when that is not possible, the line is returned however long it is.
std::string encode_or_write(const Token&);

// What was wrong, where, and what would be right; one line.
struct TokenError {
  std::string message;
};

// `text` is a token or the path of a file that holds one. Checks its form only: whether the suite
// and the build are known is for plan_of and other_build.
std::variant<Token, TokenError> parse_token(std::string_view text);

// Nothing when the token was made by this very build (`build`, or this binary when that is empty),
// otherwise which build it was, and which one this is.
std::string other_build(const Token&, const std::string& build = "");

// The plan to run; the suite must be registered and accept the workload.
std::variant<Plan, TokenError> plan_of(const Token&);

}  // namespace pollux::run

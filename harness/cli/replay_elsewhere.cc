// SPDX-License-Identifier: MIT
#include "cli/replay_elsewhere.h"

#include <cstdio>
#include <utility>
#include <vector>

#include "cli/report.h"
#include "run/elsewhere.h"
#include "run/explain.h"
#include "run/race_stacks.h"

namespace pollux::cli {
namespace {

using How = run::Elsewhere::How;

std::string listed(const std::vector<std::string>& all) {
  std::string list;
  for (const std::string& one : all) list += (list.empty() ? "" : ", ") + one;
  return list;
}

// Another build has hardly a chance to do the same: that it does not says nothing about the bug.
bool is_shrunk(const run::Token& token) {
  const auto* deviations = std::get_if<std::vector<Deviation>>(&token.choices);
  return deviations != nullptr && deviations->size() <= run::kMeaningsMost;
}

std::string in_words(const run::Token& token, const run::Elsewhere& found) {
  switch (found.how) {
    case How::as_recorded:
      return "reproduced as recorded";
    case How::by_meaning:
      return "reproduced by meaning: " + listed(run::moves(token, found));
    case How::near_by:
      return "not reproduced as recorded; found with " + listed(run::moves(token, found));
    case How::not_at_all:
      break;
  }
  std::string text = "does not reproduce: ";
  if (found.result.verdict == Verdict::held) {
    text += "the run holds";
  } else {
    text += "the run ends otherwise, as " + std::string(to_string(found.result.verdict)) + " (" +
            run::property_of(found.result) + ")";
  }
  text += "; looked at " + std::to_string(found.runs) + " runs, as recorded and near by";
  if (!is_shrunk(token)) text += ", which says little of a token that was not shrunk";
  return text;
}

// Which deviation stands where, and where it stood.
void print_places(const run::Token& token, const run::Plan& here) {
  const auto& recorded = std::get<std::vector<Deviation>>(token.choices);
  const auto& placed = std::get<std::vector<Deviation>>(here.choices);
  for (size_t i = 0; i < token.meanings.size() && i < placed.size(); ++i) {
    if (!token.meanings[i].known()) continue;
    std::printf("  deviation %zu: %s, %s, is at #%u here\n", i + 1,
                pollux::to_string(recorded[i]).c_str(), run::to_string(token.meanings[i]).c_str(),
                placed[i].ordinal);
  }
}

}  // namespace

std::optional<GivenToken> replay_elsewhere(const GivenToken& given, run::Runner& runner,
                                           int& code) {
  std::printf("%s: verdicts are compared, not hashes\n", given.other.c_str());
  run::Elsewhere found = run::find_elsewhere(given.token, given.plan, runner);
  if (found.how == How::by_meaning) print_places(given.token, found.plan);
  std::printf("%s\n", in_words(given.token, found).c_str());
  std::fflush(stdout);
  run::Token here = run::make_token(found.plan, found.result, build_of(found.plan));
  if (found.how == How::not_at_all) {
    code = exit_code_of(found.result.verdict);
    if (found.result.verdict != Verdict::held) {
      found.result = run::with_both_stacks(found.plan, std::move(found.result), runner);
      print_failure(found.plan, found.result, "", run::encode_or_write(here));
    } else if (!is_shrunk(given.token)) {
      code = exit_code::kInconclusive;
    }
    return std::nullopt;
  }
  if (is_shrunk(here)) {
    run::add_meanings(here, run::run_with_log(found.plan, found.result, found.died, runner));
  }
  return GivenToken{std::move(here), std::move(found.plan), ""};
}

}  // namespace pollux::cli

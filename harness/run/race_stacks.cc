// SPDX-License-Identifier: MIT
//
// Which access of a run it was need not be the same number in the next one: what a program sets up
// once in a process, a local static say, is there already in a run that came after others. Each run
// says its own number, so one more attempt is enough.
#include "run/race_stacks.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "explore/race_report.h"

namespace pollux::run {
namespace {

constexpr unsigned kAttempts = 2;
constexpr std::string_view kIndent = "  ";  // of a place in the details
constexpr size_t kFunctionsMost = 6;        // of a stack, on a screen that has more to show

struct Access {
  std::string what;                // "t1 writes 4 bytes"; of lost memory, which block
  std::vector<std::string> stack;  // places in code
};

// As the details of a race, or of lost memory, tell them before anything else.
std::vector<Access> accesses_of(const RunResult& result) {
  std::vector<Access> accesses;
  if (result.verdict != Verdict::data_race && result.verdict != Verdict::leaked_memory)
    return accesses;
  std::istringstream lines(result.details);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kIndent) && !accesses.empty()) {
      accesses.back().stack.push_back(line.substr(kIndent.size()));
    } else if (line.ends_with(':') && accesses.size() < 2) {
      accesses.push_back({line.substr(0, line.size() - 1), {}});
    } else {
      break;
    }
  }
  return accesses;
}

// A function that calls itself is there once, with how often.
std::vector<std::string> functions_of(const Access& access, Story& story) {
  std::vector<std::string> all;
  for (const std::string& place : access.stack) {
    for (std::string& function : story.functions_at(place)) all.push_back(std::move(function));
  }
  if (all.empty()) return access.stack;
  std::vector<std::string> functions;
  for (size_t i = 0, next = 0; i < all.size(); i = next) {
    while (next < all.size() && all[next] == all[i]) ++next;
    const size_t times = next - i;
    functions.push_back(all[i] + (times == 1 ? "" : ", " + std::to_string(times) + " times"));
  }
  return functions;
}

bool lacks_callers(const RunResult& result) {
  return result.details.find(explore::kNoCallers) != std::string::npos;
}

}  // namespace

RunResult with_both_stacks(const Plan& plan, RunResult result, Runner& runner) {
  if (result.verdict != Verdict::data_race) return result;
  for (unsigned i = 0; i < kAttempts && lacks_callers(result); ++i) {
    RunResult again = runner.run(plan, {.stack_of = explore::earlier_access(result.details)});
    if (again.verdict == result.verdict && again.reason == result.reason) {
      result.details = std::move(again.details);
      continue;
    }
    const size_t line = result.details.find(explore::kNoCallers) + explore::kNoCallers.size();
    result.details.insert(line, ": a second run, to see them, was another one");
    break;
  }
  return result;
}

std::string with_functions(const std::string& details, const std::vector<std::string>& modules) {
  RunResult of_modules;
  of_modules.log.modules = modules;
  Story story(of_modules);
  std::string text;
  std::istringstream lines(details);
  for (std::string line; std::getline(lines, line);) {
    text += line;
    if (line.starts_with(kIndent)) {
      const std::string place = line.substr(kIndent.size());
      const char* between = "  ";
      for (const std::string& function : story.functions_at(place)) {
        if (function != place) text += std::exchange(between, " < ") + function;
      }
    }
    text += "\n";
  }
  return text;
}

std::vector<std::string> accesses_in_source(const RunResult& result, Story& story) {
  std::vector<std::string> lines;
  for (const Access& access : accesses_of(result)) {
    lines.push_back(access.what + ":");
    std::vector<std::string> functions = functions_of(access, story);
    const size_t shown = std::min(functions.size(), kFunctionsMost);
    for (size_t i = 0; i < shown; ++i) lines.push_back("  " + functions[i]);
    if (functions.size() > shown) {
      lines.push_back("  and " + std::to_string(functions.size() - shown) + " more");
    }
  }
  return lines;
}

}  // namespace pollux::run

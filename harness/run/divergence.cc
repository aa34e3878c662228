// SPDX-License-Identifier: MIT
#include "run/divergence.h"

#include <algorithm>

#include "run/text_code.h"

namespace pollux::run {
namespace {

constexpr size_t kBefore = 5;
constexpr size_t kAfter = 3;

template <class List>
size_t first_difference(const List& a, const List& b) {
  auto [at, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<size_t>(at - a.begin());
}

std::string lines_from(const std::vector<std::string>& trace, size_t from, size_t count,
                       const char* mark) {
  std::string text;
  for (size_t i = from; i < std::min(from + count, trace.size()); ++i)
    text += mark + trace[i] + "\n";
  if (from >= trace.size() && count != 0) text += std::string(mark) + "(the run has ended)\n";
  return text;
}

}  // namespace

std::optional<Divergence> first_divergence(const RunResult& a, const RunResult& b) {
  if (a.hash == b.hash && a.verdict == b.verdict) return std::nullopt;
  size_t step = first_difference(a.step_hashes, b.step_hashes);
  auto hash_at = [step](const RunResult& run) {
    return step < run.step_hashes.size() ? hex(run.step_hashes[step]) : std::string("no such step");
  };
  std::string report = "first divergent step: " + std::to_string(step) + " (hash " + hash_at(a) +
                       " and " + hash_at(b) + ")\n";
  size_t line = first_difference(a.trace, b.trace);
  if (line < a.trace.size() || line < b.trace.size()) {
    size_t from = line > kBefore ? line - kBefore : 0;
    report += lines_from(a.trace, from, line - from, "    ");
    report += lines_from(a.trace, line, kAfter, "  1 ");
    report += lines_from(b.trace, line, kAfter, "  2 ");
  } else {
    report += "  the traces read the same: what differs is a value that only the hash holds\n";
  }
  return Divergence{step, report};
}

}  // namespace pollux::run

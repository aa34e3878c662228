// SPDX-License-Identifier: MIT
#include "cli/explain_report.h"

#include <algorithm>
#include <vector>

#include "cli/report.h"
#include "run/text_code.h"

namespace pollux::cli {
namespace {

constexpr size_t kWidth = 100;
constexpr size_t kLinesMost = 40;
constexpr size_t kLinesAround = 3;  // an empty one, the headline, the replay line
constexpr size_t kRowsMost = 26;
constexpr size_t kChosenMost = 6;
constexpr size_t kLabel = 12;    // "  workload: "
constexpr size_t kNumbers = 16;  // "  +1234    1234 "
constexpr size_t kStrideMost = 12;
constexpr size_t kWhereMost = 36;
constexpr size_t kTextLeast = 44;  // room for what the thread in the last column does

std::string cut(const std::string& text, size_t width) {
  if (text.size() <= width) return text;
  return width > 3 ? text.substr(0, width - 3) + "..." : text.substr(0, width);
}

std::string padded(const std::string& text, size_t width) {
  return text.size() >= width ? text : text + std::string(width - text.size(), ' ');
}

// At most `lines_most` lines, broken at spaces.
std::vector<std::string> wrapped(const std::string& text, size_t width, size_t lines_most) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    size_t end = text.size();
    if (end - at > width) {
      size_t space = text.rfind(' ', at + width);
      end = space != std::string::npos && space > at ? space : at + width;
    }
    if (lines.size() + 1 == lines_most && end != text.size()) {
      lines.push_back(cut(text.substr(at), width));
      break;
    }
    lines.push_back(text.substr(at, end - at));
    at = end + (end < text.size() && text[end] == ' ');
  }
  return lines;
}

class Screen {
 public:
  explicit Screen(const run::Explanation& explained) : explained_(explained) {}

  void field(const char* label, const std::string& text, size_t lines_most);
  void fields(const char* label, const std::vector<std::string>& texts, size_t lines_most);
  void columns(size_t lines_most);
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  void row(const run::ExplainRow&, const std::vector<Actor>& threads, size_t stride);
  void seal_line();

  const run::Explanation& explained_;
  std::vector<std::string> lines_;
};

void Screen::field(const char* label, const std::string& text, size_t lines_most) {
  std::string head = padded("  " + std::string(label) + (*label != '\0' ? ":" : ""), kLabel);
  for (const std::string& line : wrapped(text, kWidth - kLabel, lines_most)) {
    lines_.push_back(head + line);
    head = std::string(kLabel, ' ');
  }
}

void Screen::fields(const char* label, const std::vector<std::string>& texts, size_t lines_most) {
  for (const std::string& text : texts) {
    field(&text == &texts.front() ? label : "", text, lines_most);
  }
}

void Screen::row(const run::ExplainRow& row, const std::vector<Actor>& threads, size_t stride) {
  size_t column =
      static_cast<size_t>(std::find(threads.begin(), threads.end(), row.thread) - threads.begin());
  char numbers[32];
  std::string omitted =
      row.omitted != 0 ? "+" + short_number(static_cast<double>(row.omitted)) : "";
  std::snprintf(numbers, sizeof numbers, "%7s %6llu%c ", omitted.c_str(),
                static_cast<unsigned long long>(row.number), row.is_deviation ? '*' : ' ');
  std::string line = numbers + std::string(column * stride, ' ');
  size_t room = kWidth - std::min(line.size(), kWidth);
  std::string where = cut(row.where, std::min(kWhereMost, room / 2));  // a template's name is long
  if (!where.empty()) where = "  " + where;
  room -= std::min(where.size(), room);
  line += padded(cut(row.what, room), room) + where;
  line.erase(line.find_last_not_of(' ') + 1);
  lines_.push_back(line);
}

void Screen::seal_line() {
  const run::Sealed& sealed = *explained_.sealed;
  char text[160];
  std::snprintf(text, sizeof text,
                "--- sealed after step %llu: %.0f %% of %u random continuations fail from here on, "
                "%.0f %% before ",
                static_cast<unsigned long long>(sealed.step), sealed.after * 100, sealed.tried,
                sealed.before * 100);
  lines_.push_back(
      text +
      std::string(kWidth > std::string(text).size() ? kWidth - std::string(text).size() : 0, '-'));
}

void Screen::columns(size_t lines_most) {
  size_t others = 1 + explained_.sealed.has_value();
  if (lines_most <= others) return;
  std::vector<run::ExplainRow> rows = run::best_rows(explained_, lines_most - others);
  std::vector<Actor> threads;
  for (const run::ExplainRow& row : rows) {
    if (std::find(threads.begin(), threads.end(), row.thread) == threads.end()) {
      threads.push_back(row.thread);
    }
  }
  if (threads.empty()) return;
  std::sort(threads.begin(), threads.end());
  size_t stride =
      std::clamp((kWidth - kNumbers - kTextLeast) / threads.size(), size_t{1}, kStrideMost);
  std::string head = padded("  steps      at", kNumbers);
  for (Actor thread : threads) {
    head += padded(cut(explained_.thread_name(thread), stride - 1), stride);
  }
  head.erase(head.find_last_not_of(' ') + 1);
  lines_.push_back(head);
  bool seal_shown = !explained_.sealed;
  for (const run::ExplainRow& row : rows) {
    if (!seal_shown && row.number > explained_.sealed->step) {
      seal_line();
      seal_shown = true;
    }
    this->row(row, threads, stride);
  }
  if (!seal_shown) seal_line();
}

}  // namespace

void print_explanation(const run::Explanation& explained, const std::string& origin,
                       const std::string& token, std::FILE* to) {
  const RunResult& run = explained.failure;
  std::string verdict(to_string(run.verdict)), property = run::property_of(run);
  if (property != verdict) verdict += " (" + property + ")";
  std::fprintf(to, "\n%s in %s%s%s\n", verdict.c_str(),
               std::string(explained.plan.suite->name()).c_str(), origin.empty() ? "" : ", ",
               origin.c_str());
  Screen screen(explained);
  screen.field("reason", run.reason, 2);
  screen.field("cause", explained.cause, 3);
  screen.fields(run.verdict == Verdict::leaked_memory ? "lost" : "accesses", explained.accesses, 1);
  screen.field("workload", explained.plan.suite->describe(explained.plan.workload), 2);
  char facts[160];
  std::snprintf(facts, sizeof facts, "%s points, %s calls, %.6f s of virtual time, hash %s",
                short_number(static_cast<double>(run.points)).c_str(),
                short_number(static_cast<double>(run.calls)).c_str(),
                static_cast<double>(run.virtual_ns) / 1e9, run::hex(run.hash).c_str());
  screen.field("run", facts, 2);
  std::vector<std::string> chosen = explained.deviations;
  if (chosen.size() > kChosenMost) {
    size_t more = chosen.size() - kChosenMost;
    chosen.resize(kChosenMost);
    chosen.push_back("and " + std::to_string(more) + " more, of " +
                     count_deviations(run.deviations));
  }
  screen.fields("found by", chosen, 1);
  Screen below(explained);
  below.fields("faults", explained.faults, 2);
  below.fields("state", explained.state, explained.state.size() <= 4 ? 2 : 1);
  std::vector<std::string> noted;
  for (const JudgeNote& note : run.notes) noted.push_back(to_string(note));
  below.fields("noted", noted, 2);
  if (!explained.nearest.empty()) below.field("passes", explained.nearest, 3);
  size_t taken = screen.lines().size() + below.lines().size() + kLinesAround;
  screen.columns(std::min(taken < kLinesMost ? kLinesMost - taken : 0, kRowsMost));
  for (const Screen* part : {&screen, &below}) {
    for (const std::string& line : part->lines()) std::fprintf(to, "%s\n", line.c_str());
  }
  std::fprintf(to, "pollux replay %s\n", token.c_str());
}

}  // namespace pollux::cli

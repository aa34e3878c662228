// SPDX-License-Identifier: MIT
#include "cli/report.h"

#include <algorithm>
#include <map>

#include "cli/exec_suite.h"
#include "run/race_stacks.h"
#include "run/sparse_search.h"
#include "run/text_code.h"

namespace pollux::cli {
namespace {

constexpr size_t kNamedDeviations = 10;
constexpr size_t kDetailLines = 20;
constexpr size_t kStackLines = 40;  // two stacks
constexpr size_t kLineWidth = 160;

std::string cut(const std::string& text, size_t width = kLineWidth) {
  return text.size() <= width ? text : text.substr(0, width - 3) + "...";
}

std::string counted(size_t n, const char* one, const char* many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

void print_indented(const std::string& text, size_t lines_max, std::FILE* to) {
  size_t at = 0, lines = 0;
  while (at < text.size() && lines < lines_max) {
    size_t end = std::min(text.find('\n', at), text.size());
    std::fprintf(to, "    %s\n", cut(text.substr(at, end - at)).c_str());
    at = end + 1;
    ++lines;
  }
  if (at < text.size()) std::fprintf(to, "    ... (replay with --details shows all)\n");
}

// The matrix call x fault: one line per call.
void print_faults(const run::SweepRequest& request, const run::SweepTotals& totals, std::FILE* to) {
  std::map<std::string_view, std::string> calls;
  std::string silent;
  size_t silent_count = 0;
  for (const faults::ProfileFault& fault : request.mix->profile.faults) {
    const faults::Point& point = faults::points()[fault.point];
    uint64_t count = totals.fault_counts[fault.point];
    if (count == 0) {
      silent +=
          (silent.empty() ? "" : ", ") + std::string(point.call) + " " + std::string(point.outcome);
      ++silent_count;
      continue;
    }
    std::string& cells = calls[point.call];
    cells += (cells.empty() ? "" : ", ") + std::string(point.outcome) + " " + std::to_string(count);
  }
  if (request.mix->profile.faults.empty()) return;
  std::fprintf(to, "  faults of profile %s:\n", request.mix->profile.name.c_str());
  for (const auto& [call, cells] : calls) {
    std::fprintf(to, "    %-16s %s\n", std::string(call).c_str(), cells.c_str());
  }
  if (silent_count != 0) {
    std::fprintf(to, "    armed but never fired (%zu): %s\n", silent_count,
                 cut(silent, 400).c_str());
  }
}

void print_note_runs(const run::SweepTotals& totals, std::FILE* to) {
  std::string text;
  for (size_t n = 0; n < kNoteKinds; ++n) {
    if (totals.note_runs[n] == 0) continue;
    text += (text.empty() ? "" : ", ") + std::string(to_string(static_cast<NoteKind>(n))) + " in " +
            counted(totals.note_runs[n], "run", "runs");
  }
  if (!text.empty())
    std::fprintf(to, "  noted: %s (--strict makes it a violation)\n", text.c_str());
}

}  // namespace

std::string short_number(double value) {
  char text[32];
  if (value >= 1e9) {
    std::snprintf(text, sizeof text, "%.1f G", value / 1e9);
  } else if (value >= 1e6) {
    std::snprintf(text, sizeof text, "%.1f M", value / 1e6);
  } else if (value >= 1e4) {
    std::snprintf(text, sizeof text, "%.1f k", value / 1e3);
  } else {
    std::snprintf(text, sizeof text, "%.0f", value);
  }
  return text;
}

std::string by_verdict(const run::SweepTotals& totals) {
  std::string text;
  for (unsigned v = 0; v < std::size(totals.by_verdict); ++v) {
    if (totals.by_verdict[v] == 0 && v != 0) continue;
    text += (v == 0 ? "" : ", ") + std::to_string(totals.by_verdict[v]) + " " +
            std::string(to_string(static_cast<Verdict>(v)));
  }
  return text;
}

std::string count_deviations(const std::vector<Deviation>& deviations) {
  size_t faults = 0, switches = 0;
  for (const Deviation& deviation : deviations) {
    faults += deviation.site >= site::kFirstFault;
    switches += run::switches_thread(deviation);
  }
  std::string kinds;
  auto add = [&kinds](size_t n, const char* one, const char* many) {
    if (n != 0) kinds += (kinds.empty() ? "" : ", ") + counted(n, one, many);
  };
  add(switches, "switch", "switches");
  add(faults, "fault", "faults");
  add(deviations.size() - switches - faults, "other", "others");
  std::string total = counted(deviations.size(), "deviation", "deviations");
  return kinds.empty() ? total : total + " (" + kinds + ")";
}

std::string headline(const RunResult& result) {
  std::string text = std::string(to_string(result.verdict)) + ": " + result.reason;
  std::replace(text.begin(), text.end(), '\n', ' ');
  return cut(text);
}

void print_failure(const run::Plan& plan, const RunResult& result, const std::string& origin,
                   const std::string& token, std::FILE* to, bool all_details) {
  std::string verdict(to_string(result.verdict)), property = run::property_of(result);
  if (property != verdict) verdict += " (" + property + ")";
  std::fprintf(to, "\n%s in %s%s%s\n", verdict.c_str(), std::string(plan.suite->name()).c_str(),
               origin.empty() ? "" : ", ", origin.c_str());
  std::fprintf(to, "  reason:   %s\n", cut(result.reason, 400).c_str());
  std::fprintf(to, "  workload: %s\n", cut(plan.suite->describe(plan.workload), 400).c_str());
  if (auto* drawn = std::get_if<run::Drawn>(&plan.choices)) {
    std::fprintf(to, "  choices:  drawn from seed %llu, strategy %s, profile %s\n",
                 static_cast<unsigned long long>(drawn->seed),
                 run::to_string(drawn->mix->strategy).c_str(), drawn->mix->profile.name.c_str());
  }
  std::fprintf(to, "  run:      %s points, %s calls, %.6f s of virtual time, hash %s\n",
               short_number(static_cast<double>(result.points)).c_str(),
               short_number(static_cast<double>(result.calls)).c_str(),
               static_cast<double>(result.virtual_ns) / 1e9, run::hex(result.hash).c_str());
  std::fprintf(to, "  found by: %s\n", count_deviations(result.deviations).c_str());
  if (all_details || result.deviations.size() <= kNamedDeviations) {
    for (const Deviation& deviation : result.deviations) {
      std::fprintf(to, "    %s\n", to_string(deviation).c_str());
    }
  }
  for (const JudgeNote& note : result.notes) {
    std::fprintf(to, "  noted:    %s\n", cut(to_string(note), 400).c_str());
  }
  if (!result.details.empty()) {
    const bool stacks =
        result.verdict == Verdict::data_race || result.verdict == Verdict::leaked_memory;
    const std::string details =
        stacks ? run::with_functions(result.details, modules_of(plan)) : result.details;
    std::fprintf(to, "  at the end:\n");
    print_indented(details, all_details ? SIZE_MAX : stacks ? kStackLines : kDetailLines, to);
  }
  std::fprintf(to, "pollux replay %s\n", token.c_str());
}

void print_summary(const run::SweepRequest& request, const run::SweepTotals& totals,
                   std::FILE* to) {
  double seconds = std::max(totals.seconds, 1e-9);
  std::fprintf(to, "%s: %llu seeds: %s\n", std::string(request.suite->name()).c_str(),
               static_cast<unsigned long long>(totals.runs), by_verdict(totals).c_str());
  std::fprintf(to, "  %s runs/s, %s calls/s, %s points/s in %.1f s; %s s of virtual time\n",
               short_number(static_cast<double>(totals.runs + totals.audited) / seconds).c_str(),
               short_number(static_cast<double>(totals.calls) / seconds).c_str(),
               short_number(static_cast<double>(totals.points) / seconds).c_str(), seconds,
               short_number(static_cast<double>(totals.virtual_ns) / 1e9).c_str());
  std::fprintf(to,
               "  %llu different runs, %llu audited by a second run; at most %llu MiB of memory\n",
               static_cast<unsigned long long>(totals.distinct),
               static_cast<unsigned long long>(totals.audited),
               static_cast<unsigned long long>(totals.peak_mib));
  print_faults(request, totals, to);
  print_note_runs(totals, to);
  std::fprintf(to, "  digest %s\n", run::hex(totals.digest).c_str());
}

int exit_code_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::held:
      return exit_code::kHeld;
    case Verdict::unmodelled:
      return exit_code::kUnmodelled;
    case Verdict::diverged:
      return exit_code::kNondeterminism;
    default:
      return exit_code::kViolation;
  }
}

}  // namespace pollux::cli

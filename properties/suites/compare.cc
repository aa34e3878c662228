// SPDX-License-Identifier: MIT
#include "suites/compare.h"

#include <algorithm>
#include <optional>

#include "pollux/choice.h"
#include "suites/run_in_child.h"
#include "suites/workload_suite.h"

namespace pollux::properties {
namespace {

struct Cell {
  std::optional<faults::PointId> point;
  const WorkloadClass& workload_class;
};

ChildRun run_once(const WorkloadSuite& suite, const Cell& cell, uint64_t seed, double rate) {
  const std::string text = cell.workload_class.workload;
  const Workload workload = std::get<Workload>(parse_workload(text));
  std::vector<double> rates(faults::points().size(), 0.0);
  RunOptions options;
  if (cell.point) {
    rates[*cell.point] = rate;
    options.fault_points = {*cell.point};
  }
  std::unique_ptr<Strategy> strategy = make_random_strategy(seed, std::move(rates), 1.0);
  options.strategy = strategy.get();
  suite.adjust(text, options);
  World world(options);
  std::shared_ptr<const Referee> referee = suite.start(workload, world);
  RunResult result = world.run();
  return {result.verdict, result.faults, result.reason, referee->errors()};
}

CompareOutcome run_cell(const WorkloadSuite& suite, const Cell& cell,
                        const CompareOptions& options) {
  CompareOutcome outcome;
  std::vector<ChildRun> runs =
      run_in_children(options.first_seed, options.seeds,
                      [&](uint64_t seed) { return run_once(suite, cell, seed, options.rate); });
  uint64_t seed = options.first_seed;
  for (ChildRun& run : runs) {
    ++outcome.verdicts[run.verdict];
    outcome.faults += run.faults;
    for (std::string& error : run.errors) {
      // "client read ECONNRESET": who it was does not matter here.
      error.erase(0, error.find(' ') + 1);
      auto at = std::lower_bound(outcome.errors.begin(), outcome.errors.end(), error);
      if (at == outcome.errors.end() || *at != error) outcome.errors.insert(at, error);
    }
    if (run.verdict != Verdict::held && !outcome.first_reason.contains(run.verdict)) {
      outcome.first_reason[run.verdict] = run.reason;
      outcome.first_seed[run.verdict] = seed;
    }
    ++seed;
  }
  return outcome;
}

std::string reasons(const char* subject, const CompareOutcome& outcome) {
  std::string text;
  for (const auto& [verdict, reason] : outcome.first_reason) {
    if (!text.empty()) text += "; ";
    text += std::string(subject) + ", seed " + std::to_string(outcome.first_seed.at(verdict)) +
            ": " + reason;
  }
  return text;
}

std::string errors_of_one(const char* subject, const CompareOutcome& a, const CompareOutcome& b) {
  std::string errors;
  for (const std::string& error : a.errors)
    if (!std::binary_search(b.errors.begin(), b.errors.end(), error))
      errors += (errors.empty() ? std::string(subject) + "'s user alone sees " : ", ") + error;
  return errors;
}

std::string explain(const CompareRow& row, const faults::Point* point) {
  std::vector<std::string> parts = {reasons("netpoll", row.netpoll), reasons("asio", row.asio)};
  bool all_held = parts[0].empty() && parts[1].empty();
  // After a lie nothing is owed: say so where a subject waits for it.
  if (!all_held && point && point->grade == faults::Grade::lie)
    parts.push_back("the fault is a lie, afterwards nothing is owed: " +
                    std::string(point->follow_up));
  if (all_held) {
    parts.push_back(errors_of_one("netpoll", row.netpoll, row.asio));
    parts.push_back(errors_of_one("asio", row.asio, row.netpoll));
  }
  std::string text;
  for (const std::string& part : parts)
    if (!part.empty()) text += (text.empty() ? "" : "; ") + part;
  return text;
}

// A hang is a hang: which judge noticed it depends on whether the library keeps a timer armed (then
// time runs out), and on whether the descriptor that its owner missed is ready for reading (then it
// is a lost wake-up) or only for writing, which most sockets always are.
bool alike(const CompareOutcome& a, const CompareOutcome& b) {
  auto kinds = [](const CompareOutcome& outcome) {
    std::vector<Verdict> verdicts;
    for (const auto& [exact, runs] : outcome.verdicts) {
      Verdict verdict = exact;
      if (verdict == Verdict::lost_wakeup || verdict == Verdict::time_limit)
        verdict = Verdict::deadlock;
      if (std::find(verdicts.begin(), verdicts.end(), verdict) == verdicts.end())
        verdicts.push_back(verdict);
    }
    std::sort(verdicts.begin(), verdicts.end());
    return verdicts;
  };
  return kinds(a) == kinds(b);
}

bool wanted(const std::vector<std::string>& names, std::string_view name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::vector<WorkloadClass> workload_classes() {
  return {
      {"echo", "w1;c[m32,m512,m4096];c[m1,m64,m200];c[m100,m100,m100,m100]"},
      {"streams", "w2;b4096;c[s20000,s100];c[s40000]"},
      {"half-close", "w1;c[m100,h];c[m100,g];c[s5000,r1ms];c[m10,z2000]"},
      {"deadlines", "w1;c[m10,d2ms,i1ms,m10];c[t2ms,m10,e2ms,m10];c[k2ms,n2ms,m10];c[w2ms]"},
      {"close in wait", "w2;c[m10,x1ms];c[m10,y1ms];c[v1ms]"},
      {"two readers", "w1;c[m10,f1ms,m10];c[f1ms,f1ms]"},
      {"many accepts", "w1;a1ms;c[m8];c[m8];c[m8];c[m8];c[m8];c[m8];c[m8];c[m8]"},
  };
}

std::string to_string(const CompareOutcome& outcome) {
  unsigned runs = 0;
  for (const auto& [verdict, count] : outcome.verdicts) runs += count;
  std::string text;
  for (const auto& [verdict, count] : outcome.verdicts) {
    if (!text.empty()) text += ", ";
    text += pollux::to_string(verdict);
    if (count != runs) text += ' ' + std::to_string(count) + '/' + std::to_string(runs);
  }
  for (const std::string& error : outcome.errors) text += ", " + error;
  return text;
}

std::string check(const CompareOptions& options) {
  for (const std::string& name : options.classes) {
    std::string known;
    bool found = false;
    for (const WorkloadClass& c : workload_classes()) {
      found |= name == c.name;
      known += (known.empty() ? "" : ", ") + std::string(c.name);
    }
    if (!found) return "no workload class '" + name + "'; there are " + known;
  }
  for (const std::string& name : options.faults)
    if (name != "none" && !faults::find_point(name))
      return "no failure point '" + name + "'; `pollux faults` lists them";
  if (options.seeds == 0) return "0 seeds; must be at least 1";
  if (!(options.rate > 0 && options.rate <= 1)) return "rate must be above 0 and at most 1";
  return "";
}

std::vector<CompareRow> compare(const CompareOptions& options,
                                const std::function<void(const CompareRow&)>& done) {
  const WorkloadSuite netpoll({.name = "netpoll",
                               .description = "",
                               .subject = pollux_subject_netpoll,
                               .limits = {.workers_max = 4}});
  const WorkloadSuite asio({.name = "asio",
                            .description = "",
                            .subject = pollux_subject_asio,
                            .limits = {.workers_max = 2, .two_readers = false}});
  std::span<const faults::Point> points = faults::points();
  std::vector<CompareRow> rows;
  for (const WorkloadClass& workload_class : workload_classes()) {
    if (!wanted(options.classes, workload_class.name)) continue;
    for (size_t i = 0; i <= points.size(); ++i) {
      const faults::Point* point = i == 0 ? nullptr : &points[i - 1];
      if (!wanted(options.faults, point ? point->name : "none")) continue;
      Cell cell{std::nullopt, workload_class};
      if (point) cell.point = static_cast<faults::PointId>(i - 1);
      CompareRow row;
      row.workload_class = workload_class.name;
      row.fault = point ? point->name : "none";
      if (point) row.grade = point->grade;
      row.netpoll = run_cell(netpoll, cell, options);
      row.asio = run_cell(asio, cell, options);
      if (point && row.netpoll.faults == 0 && row.asio.faults == 0) continue;
      row.same = alike(row.netpoll, row.asio);
      row.why = explain(row, point);
      done(row);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace pollux::properties

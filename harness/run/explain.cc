// SPDX-License-Identifier: MIT
//
// Rows are collected with a rank, lower is better, and the best ones that fit are shown in the
// order of time:
//
//   0  the choices that were not boring, and the steps that they moved
//   1  what other threads changed meanwhile, of what the moved thread looks at just before or after
//   2  the last changes of a word that somebody is left waiting in; the end of a violation
//   3  the last calls on the descriptors of the verdict
//   4  where the other threads stand
#include "run/explain.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "explore/race_report.h"
#include "pollux/faults/point.h"
#include "run/passing_run.h"
#include "run/race_stacks.h"
#include "run/sparse_search.h"
#include "run/story.h"

namespace pollux::run {
namespace {

using Deviations = std::vector<Deviation>;

constexpr size_t kChoiceRows = 8;
constexpr size_t kLooksBefore = 6;  // steps of the moved thread that say what it cares about
constexpr size_t kLooksAfter = 12;
constexpr size_t kConflictsMost = 2;
constexpr size_t kLastChanges = 3;
constexpr size_t kLastCalls = 3;
constexpr size_t kFaultsNamed = 4;
constexpr size_t kStateLines = 6;
constexpr uint64_t kNever = UINT64_MAX;

std::string duration(int64_t ns) {
  char text[32];
  const double us = static_cast<double>(ns) / 1000;
  std::snprintf(text, sizeof text, us < 10'000 ? "%.1f us" : "%.1f ms",
                us < 10'000 ? us : us / 1000);
  return text;
}

std::string operation_of(Site point) { return std::string(site_name(point)); }

class Explainer {
 public:
  explicit Explainer(const RunResult& run) : run_(run), story_(run) {}

  std::vector<ExplainRow> rows();
  std::string cause(const std::optional<Sealed>&);
  std::string lost_block();
  std::vector<std::string> faults();
  std::vector<std::string> state();
  std::vector<std::string> deviations();
  Story& story() { return story_; }

 private:
  struct Window {  // during which a thread was kept from its step
    uint64_t from, to;
    size_t step;
  };

  const std::vector<Step>& steps() const { return run_.log.steps; }
  const Step* step_of(size_t deviation) const;
  std::optional<Window> window_of(size_t deviation) const;
  std::vector<size_t> conflicts(const Window&) const;
  size_t decisive(const std::optional<Sealed>&) const;
  std::string describe_choice(size_t deviation);
  std::set<int> descriptors() const;
  void add_step(int rank, size_t index);
  void add_choices();
  void add_waiting_words();
  void add_calls();
  void add_ends();
  std::string name_of(Actor actor) const { return thread_name(run_.log, actor); }
  // A thread begins and ends outside of the program's own code.
  std::string place_of(const Step& step) {
    bool outside =
        step.kind == StepKind::begin || step.kind == StepKind::end || step.kind == StepKind::packet;
    return outside ? "" : to_string(story_.where(step));
  }

  const RunResult& run_;
  Story story_;
  std::vector<ExplainRow> rows_;
  std::set<size_t> shown_;  // steps that have a row
};

const Step* Explainer::step_of(size_t deviation) const {
  if (deviation >= run_.log.made.size()) return nullptr;
  uint32_t index = run_.log.made[deviation].step;
  return index < steps().size() ? &steps()[index] : nullptr;
}

std::optional<Explainer::Window> Explainer::window_of(size_t deviation) const {
  const Step* step = step_of(deviation);
  if (step == nullptr || !switches_thread(run_.deviations[deviation])) return std::nullopt;
  uint64_t to = step->number != 0 ? step->number : kNever;
  return Window{run_.log.made[deviation].number, to, run_.log.made[deviation].step};
}

// What others changed within the window, of what its thread looks at around it. The nearer the look
// is to the window the likelier it is what went wrong: a value that was read just before and is not
// true any more comes first.
std::vector<size_t> Explainer::conflicts(const Window& window) const {
  const Actor thread = steps()[window.step].thread;
  std::map<uint64_t, size_t> words;  // how far the look is
  std::map<int, size_t> fds;
  auto look = [&](const Step& step, size_t distance) {
    if (step.address != 0) words.try_emplace(step.address, distance);
    for (unsigned i = 0; i < step.fd_count; ++i) fds.try_emplace(step.fds[i], distance);
  };
  look(steps()[window.step], 0);
  size_t seen = 0;
  for (size_t i = window.step; i-- > 0 && seen < kLooksBefore;) {
    if (steps()[i].thread == thread) look(steps()[i], ++seen);
  }
  seen = 0;
  for (size_t i = window.step + 1; i < steps().size() && seen < kLooksAfter; ++i) {
    if (steps()[i].thread == thread) look(steps()[i], kLooksBefore + ++seen);
  }
  struct Found {
    size_t distance;
    size_t step;
  };
  std::vector<Found> found;
  for (size_t i = 0; i < steps().size(); ++i) {
    const Step& step = steps()[i];
    if (step.thread == thread || step.number < window.from || step.number > window.to) continue;
    if (step.number == 0) continue;
    if (auto word = words.find(step.address); Story::changes(step) && word != words.end()) {
      // Who takes a lock changes it, which by itself says nothing.
      size_t lock = step.kind == StepKind::object ? kLooksBefore + kLooksAfter : 0;
      found.push_back({word->second + lock, i});
    } else if (step.kind == StepKind::call && step.fd_count != 0) {
      auto fd = fds.find(step.fds[0]);
      if (fd != fds.end()) found.push_back({fd->second + 1, i});
    } else if (step.kind == StepKind::packet) {
      found.push_back({kLooksBefore + kLooksAfter, i});
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return std::pair(a.distance, b.step) < std::pair(b.distance, a.step);
  });
  std::vector<size_t> indexes;
  for (const Found& one : found) {
    if (indexes.size() < kConflictsMost) indexes.push_back(one.step);
  }
  return indexes;
}

void Explainer::add_step(int rank, size_t index) {
  if (!shown_.insert(index).second) return;
  const Step& step = steps()[index];
  ExplainRow row;
  row.rank = rank;
  row.number = step.number != 0 ? step.number : step.arrived;
  row.thread = step.thread;
  row.what = step.number != 0 ? story_.what(step) : "stands before " + story_.what_is_next(step);
  row.where = place_of(step);
  rows_.push_back(std::move(row));
}

std::string Explainer::describe_choice(size_t deviation) {
  const Deviation& d = run_.deviations[deviation];
  const Step* step = step_of(deviation);
  if (d.site == site::kPick) {
    return name_of(static_cast<Actor>(d.outcome - 1)) + " goes on, out of turn";
  }
  if (d.site == site::kPoint) {
    std::string before = step != nullptr ? " before " + story_.what_is_next(*step) : "";
    if (d.outcome - 1 != kNobody) {
      return "gives way to " + name_of(static_cast<Actor>(d.outcome - 1)) + before;
    }
    std::string time;
    if (step != nullptr && step->number != 0) {
      int64_t held = step->time_ns - run_.log.made[deviation].time_ns;
      if (held != 0) time = " for " + duration(held);
    }
    return "held up" + time + before;
  }
  if (d.site >= site::kFirstFault) {
    return (step != nullptr ? story_.what(*step) + ": " : "") + "fault " + operation_of(d.site);
  }
  std::string chosen = operation_of(d.site) + " = " + std::to_string(d.outcome);
  return step != nullptr ? story_.what(*step) + " by " + chosen : chosen;
}

void Explainer::add_choices() {
  size_t shown = 0;
  for (size_t i = run_.deviations.size(); i-- > 0 && shown < kChoiceRows;) {
    if (run_.deviations[i].site == site::kHold) continue;  // its length is told with the hold
    const Step* step = step_of(i);
    ExplainRow row;
    row.number = i < run_.log.made.size() ? run_.log.made[i].number : 0;
    row.thread = run_.deviations[i].actor;
    row.what = describe_choice(i);
    row.where = step != nullptr ? place_of(*step) : "";
    row.is_deviation = true;
    // What a fault did is told with it.
    if (run_.deviations[i].site >= site::kFirstFault && step != nullptr) {
      shown_.insert(run_.log.made[i].step);
    }
    rows_.push_back(std::move(row));
    ++shown;
    std::optional<Window> window = window_of(i);
    if (!window) continue;
    if (window->to != kNever && window->to > window->from) add_step(0, window->step);
    for (size_t conflict : conflicts(*window)) add_step(1, conflict);
  }
}

std::set<int> Explainer::descriptors() const {
  std::set<int> fds(run_.log.stuck.begin(), run_.log.stuck.end());
  for (const WatchedWord& word : run_.log.words) {
    if (word.waiting && word.fd >= 0) fds.insert(word.fd);
  }
  for (size_t i = 0; i < run_.deviations.size(); ++i) {
    const Step* step = step_of(i);
    if (run_.deviations[i].site < site::kFirstFault || step == nullptr) continue;
    for (unsigned k = 0; k < step->fd_count; ++k) fds.insert(step->fds[k]);
  }
  return fds;
}

void Explainer::add_waiting_words() {
  for (const WatchedWord& word : run_.log.words) {
    size_t shown = 0;
    for (size_t i = steps().size(); word.waiting && i-- > 0 && shown < kLastChanges;) {
      if (steps()[i].address != word.address || !Story::changes(steps()[i])) continue;
      add_step(2, i);
      ++shown;
    }
  }
}

void Explainer::add_calls() {
  std::map<int, size_t> shown;
  std::set<int> fds = descriptors();
  for (size_t i = steps().size(); i-- > 0 && !fds.empty();) {
    const Step& step = steps()[i];
    if (step.kind != StepKind::call) continue;
    for (unsigned k = 0; k < step.fd_count; ++k) {
      if (fds.count(step.fds[k]) == 0 || shown[step.fds[k]]++ >= kLastCalls) continue;
      add_step(3, i);
      break;
    }
  }
}

// Where each thread stands; of a run that was ended by what a thread did, that thread first.
void Explainer::add_ends() {
  size_t last = SIZE_MAX;
  std::map<Actor, size_t> last_of;
  for (size_t i = 0; i < steps().size(); ++i) {
    last_of[steps()[i].thread] = i;
    if (last == SIZE_MAX || steps()[i].number >= steps()[last].number) last = i;
  }
  bool by_a_step = run_.verdict == Verdict::violation || run_.verdict == Verdict::crash;
  if (last != SIZE_MAX && by_a_step) add_step(2, last);
  for (const auto& [thread, index] : last_of) {
    if (steps()[index].kind != StepKind::end && thread != kNetwork) add_step(4, index);
  }
}

std::vector<ExplainRow> Explainer::rows() {
  add_choices();
  add_waiting_words();
  add_calls();
  add_ends();
  std::stable_sort(rows_.begin(), rows_.end(),
                   [](const ExplainRow& a, const ExplainRow& b) { return a.rank < b.rank; });
  return std::move(rows_);
}

// The deviation that decided: the last one before the failure was sealed, of those during which
// somebody changed what its thread was looking at. Where there is none such, the first one after
// it; else the last one before it that has a place in the program at all.
size_t Explainer::decisive(const std::optional<Sealed>& sealed) const {
  size_t last = SIZE_MAX, telling = SIZE_MAX;
  for (size_t i = 0; i < run_.deviations.size(); ++i) {
    if (run_.deviations[i].site == site::kHold || step_of(i) == nullptr) continue;
    const bool after = sealed && run_.log.made[i].number > sealed->step;
    if (after && telling != SIZE_MAX) break;
    std::optional<Window> window = window_of(i);
    if (!window || !conflicts(*window).empty()) telling = i;
    if (!after || last == SIZE_MAX) last = i;
  }
  return telling != SIZE_MAX ? telling : last;
}

// Libraries that are compiled into the program allocate in its stead: who asked them to?
std::string Explainer::lost_block() {
  size_t begin = run_.details.find('\n') + 1, end = begin;
  while (run_.details.compare(end, 2, "  ") == 0) end = run_.details.find('\n', end) + 1;
  const std::string own = story_.own_place_in(run_.details.substr(begin, end - begin));
  const size_t colon = run_.reason.find(": ");
  if (own.empty() || colon == std::string::npos) return story_.with_source(run_.reason);
  return own + run_.reason.substr(colon);
}

std::string Explainer::cause(const std::optional<Sealed>& sealed) {
  // Where the two accesses are says more than how they came to be unordered; where a block comes
  // from, more than when its last pointer went.
  if (run_.verdict == Verdict::data_race) return story_.with_source(run_.reason);
  if (run_.verdict == Verdict::leaked_memory) return lost_block();
  const size_t chosen = decisive(sealed);
  if (chosen == SIZE_MAX) {
    return run_.deviations.empty() ? "it fails on the boring run: no deviation is needed"
                                   : "the network alone: see what it was found by";
  }
  const Deviation& deviation = run_.deviations[chosen];
  const Step& step = *step_of(chosen);
  const CodeLine& line = story_.where(step);
  std::string text = name_of(deviation.actor) + ", at " + to_string(line);
  if (!line.function.empty()) text += " in " + line.function;
  text += ": " + describe_choice(chosen);
  std::optional<Window> window = window_of(chosen);
  if (!window) return text;
  std::vector<size_t> others = conflicts(*window);
  if (others.empty()) {
    if (window->to == kNever) return text + "; it never goes on";
    uint64_t passed = window->to - window->from;
    return passed == 0 ? text + "; meanwhile time goes on"
                       : text + "; meanwhile " + std::to_string(passed) + " steps of others";
  }
  const Step& other = steps()[others.front()];
  const CodeLine& there = story_.where(other);
  text += "; meanwhile " + name_of(other.thread) + ", at " + to_string(there);
  if (!there.function.empty()) text += " in " + there.function;
  return text + ", " + story_.what(other);
}

std::vector<std::string> Explainer::faults() {
  constexpr const char* kGrades[] = {"legal", "documented", "a lie"};
  std::vector<std::string> lines;
  size_t more = 0;
  for (size_t i = 0; i < run_.deviations.size(); ++i) {
    const Deviation& d = run_.deviations[i];
    if (d.site < site::kFirstFault) continue;
    if (lines.size() == kFaultsNamed && ++more != 0) continue;
    const faults::Point& point = faults::points()[d.site - size_t{site::kFirstFault}];
    std::string line =
        std::string(point.name) + " (" + kGrades[static_cast<unsigned>(point.grade)] + ")";
    if (const Step* step = step_of(i)) {
      line += ": " + name_of(d.actor) + " gets " + story_.what(*step) + " at " +
              to_string(story_.where(*step)) + ", step " + std::to_string(step->number);
    }
    lines.push_back(line);
  }
  if (more != 0) lines.push_back("and " + std::to_string(more) + " more");
  return lines;
}

// The lines of the report of the world that are about a descriptor.
std::vector<std::string> lines_about(const std::string& details, int fd) {
  std::vector<std::string> lines;
  std::string wanted = " fd " + std::to_string(fd) + ": ";
  for (size_t at = 0; at < details.size();) {
    size_t end = std::min(details.find('\n', at), details.size());
    std::string line = details.substr(at, end - at);
    size_t found = line.find(wanted);
    if (found != std::string::npos) {
      lines.push_back(line.starts_with("host 0 ") ? line.substr(found + 1) : line);
    }
    at = end + 1;
  }
  return lines;
}

std::vector<std::string> Explainer::state() {
  std::vector<std::string> lines;
  for (const WatchedWord& word : run_.log.words) {
    if (!word.waiting) continue;
    std::string line = word.name + ": " + word.value;
    for (size_t i = steps().size(); i-- > 0;) {
      // Who announced the wait: whoever completes it may run on behalf of another.
      const Step& step = steps()[i];
      if (step.address != word.address || !Story::changes(step) || step.before != 0) continue;
      line +=
          ", waits since step " + std::to_string(step.number) + " in " + story_.callers(step, 4);
      break;
    }
    lines.push_back(line);
  }
  for (int fd : descriptors()) {
    for (std::string& line : lines_about(run_.details, fd)) lines.push_back(std::move(line));
  }
  if (lines.size() > kStateLines) {
    size_t more = lines.size() - kStateLines;
    lines.resize(kStateLines);
    lines.push_back("and " + std::to_string(more) + " lines more");
  }
  return lines;
}

std::vector<std::string> Explainer::deviations() {
  std::vector<std::string> lines;
  for (size_t i = 0; i < run_.deviations.size(); ++i) {
    std::string line = pollux::to_string(run_.deviations[i]);
    const Step* step = step_of(i);
    if (step != nullptr && !place_of(*step).empty()) {
      const CodeLine& at = story_.where(*step);
      line += "  at " + to_string(at);
      if (!at.function.empty() && !at.file.empty()) line += " in " + at.function;
      if (switches_thread(run_.deviations[i])) line += ", before " + story_.what_is_next(*step);
    }
    lines.push_back(line);
  }
  return lines;
}

}  // namespace

std::string Explanation::thread_name(Actor actor) const {
  return run::thread_name(failure.log, actor);
}

std::vector<ExplainRow> best_rows(const Explanation& explained, size_t most) {
  std::vector<ExplainRow> rows = explained.rows;
  if (rows.size() > most) rows.resize(most);
  std::stable_sort(rows.begin(), rows.end(), [](const ExplainRow& a, const ExplainRow& b) {
    return std::pair(a.number, !a.is_deviation) < std::pair(b.number, !b.is_deviation);
  });
  uint64_t last = 0;
  for (ExplainRow& row : rows) {
    row.omitted = row.number > last + 1 ? row.number - last - 1 : 0;
    last = row.number;
  }
  return rows;
}

RunResult run_with_log(const Plan& plan, const RunResult& known, bool died, Runner& runner) {
  Watch watch{.log = true};
  if (known.verdict == Verdict::data_race) watch.stack_of = explore::earlier_access(known.details);
  if (died && known.points != 0) watch.points_max = known.points;
  return runner.run(plan, watch);
}

std::variant<Explanation, std::string> explain(const ExplainRequest& request, Runner& runner) {
  Explanation explanation;
  explanation.plan = request.plan;
  RunResult found = runner.run(request.plan, {});
  if (found.verdict == Verdict::held) return "the run holds: there is nothing to explain";
  explanation.plan.choices = found.deviations;
  explanation.plan.then.reset();
  bool died = runner.last_died();
  explanation.failure = run_with_log(explanation.plan, found, died, runner);
  if (died) {
    explanation.failure.verdict = found.verdict;
    explanation.failure.reason = found.reason;
  } else if (explanation.failure.verdict != found.verdict ||
             property_of(explanation.failure) != property_of(found)) {
    return "the deviations of the run alone do not lead to " +
           std::string(to_string(found.verdict)) + " (" + property_of(found) + ") again";
  }
  if (request.mix != nullptr) {
    explanation.sealed = find_sealed_step({.plan = explanation.plan,
                                           .failure = explanation.failure,
                                           .mix = request.mix,
                                           .budget = request.seal_budget},
                                          runner);
  }
  Explainer explainer(explanation.failure);
  explanation.cause = explainer.cause(explanation.sealed);
  explanation.accesses = accesses_in_source(explanation.failure, explainer.story());
  explanation.rows = explainer.rows();
  explanation.deviations = explainer.deviations();
  explanation.faults = explainer.faults();
  explanation.state = explainer.state();
  if (auto passing = find_passing_run(explanation.plan, runner)) {
    Story there(passing->run);
    explanation.nearest = "without " + (passing->without_all ? std::string("any deviation")
                                                             : pollux::to_string(passing->without));
    std::string difference = first_difference(explainer.story(), there);
    if (!difference.empty()) explanation.nearest += ": " + difference;
  }
  return explanation;
}

}  // namespace pollux::run

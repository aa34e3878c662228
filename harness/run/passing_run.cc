// SPDX-License-Identifier: MIT
#include "run/passing_run.h"

#include <algorithm>
#include <utility>

namespace pollux::run {
namespace {

constexpr size_t kTriedMost = 24;
constexpr uint64_t kSmall = 4096;  // numbers above may be addresses, which differ for no reason

using Deviations = std::vector<Deviation>;

uint64_t comparable(uint64_t value) { return value < kSmall ? value : kSmall; }

std::vector<size_t> steps_of(const Story& story, Actor thread) {
  std::vector<size_t> indexes;
  for (size_t i = 0; i < story.steps().size(); ++i) {
    if (story.steps()[i].thread == thread && story.steps()[i].number != 0) indexes.push_back(i);
  }
  return indexes;
}

bool same_code(const Step& a, const Step& b) { return a.kind == b.kind && a.place == b.place; }

bool same_result(const Story& story, const Step& a, const Story& other, const Step& b) {
  // The words of a call have its result; of a watched one, what its values mean.
  if (a.text != 0 || b.text != 0) return story.text(a.text) == other.text(b.text);
  return a.size == 0 || comparable(a.before) == comparable(b.before);
}

}  // namespace

std::optional<PassingRun> find_passing_run(const Plan& plan, Runner& runner) {
  const auto& all = std::get<Deviations>(plan.choices);
  Plan candidate = plan;
  for (size_t i = all.size(); i-- > 0 && all.size() - i <= kTriedMost;) {
    Deviations rest = all;
    rest.erase(rest.begin() + static_cast<ptrdiff_t>(i));
    candidate.choices = std::move(rest);
    RunResult run = runner.run(candidate, {.log = true});
    if (run.verdict == Verdict::held) return PassingRun{all[i], false, std::move(run)};
  }
  if (all.size() < 2) return std::nullopt;
  candidate.choices = Deviations();
  RunResult run = runner.run(candidate, {.log = true});
  if (run.verdict != Verdict::held) return std::nullopt;
  return PassingRun{{}, true, std::move(run)};
}

std::string first_difference(Story& failing, Story& passing) {
  const Step *here = nullptr, *there = nullptr;
  bool stays = false;  // it is the last step of its thread, and the same in both
  size_t threads = std::min(failing.run().log.threads.size(), passing.run().log.threads.size());
  for (size_t id = 0; id < threads; ++id) {
    std::vector<size_t> a = steps_of(failing, static_cast<Actor>(id));
    std::vector<size_t> b = steps_of(passing, static_cast<Actor>(id));
    auto same = [&](size_t i) {
      const Step &x = failing.steps()[a[i]], &y = passing.steps()[b[i]];
      return same_code(x, y) && same_result(failing, x, passing, y);
    };
    size_t at = 0;
    while (at < std::min(a.size(), b.size()) && same(at)) ++at;
    if (at == b.size() || a.empty()) continue;
    const bool ends = at == a.size();
    const Step& step = failing.steps()[a[ends ? at - 1 : at]];
    // What somebody did differently says more than that somebody else did not go on.
    if (here != nullptr && std::pair(ends, step.number) >= std::pair(stays, here->number)) continue;
    here = &step;
    there = &passing.steps()[b[at]];
    stays = ends;
  }
  if (here == nullptr) return "";
  std::string text = thread_name(failing.run().log, here->thread) + " at step " +
                     std::to_string(here->number) + ", " + to_string(failing.where(*here)) + ": ";
  if (stays) {
    return text + "here it is left in " + failing.what(*here) + "; there it goes on at " +
           to_string(passing.where(*there));
  }
  if (same_code(*here, *there)) {
    return text + "there " + passing.what(*there, failing.object(*here)) + "; here " +
           failing.what(*here);
  }
  return text + "there " + passing.what(*there, "something") + " at " +
         to_string(passing.where(*there)) + "; here " + failing.what(*here);
}

}  // namespace pollux::run

// SPDX-License-Identifier: MIT
#include "run/meaning.h"

#include <algorithm>

#include "run/story.h"

namespace pollux::run {
namespace {

bool is_there(Story& story, const Step& step, const Meaning& meaning, Actor actor) {
  return step.thread == actor && story.operation(step) == meaning.operation &&
         story.where(step).function == meaning.function;
}

Meaning meaning_of(Story& story, const Deviation& deviation, const ChoiceMade& made) {
  const std::vector<Step>& steps = story.steps();
  if (deviation.site != site::kPoint || made.step >= steps.size()) return {};
  const Step& step = steps[made.step];
  if (step.thread != deviation.actor || step.ordinal != deviation.ordinal) return {};
  Meaning meaning{story.where(step).function, story.operation(step)};
  auto before = [&](const Step& s) { return is_there(story, s, meaning, deviation.actor); };
  meaning.occurrence = static_cast<uint32_t>(
      std::count_if(steps.begin(), steps.begin() + static_cast<ptrdiff_t>(made.step), before));
  return meaning;
}

}  // namespace

std::string to_string(const Meaning& meaning) {
  return "before " + meaning.operation +
         (meaning.function.empty() ? "" : " in " + meaning.function) + ", time " +
         std::to_string(uint64_t{meaning.occurrence} + 1);
}

std::vector<Meaning> meanings_of(const RunResult& logged) {
  std::vector<Meaning> meanings(logged.deviations.size());
  if (logged.log.dropped != 0) return meanings;  // what was before can not be counted
  Story story(logged);
  for (size_t i = 0; i < std::min(meanings.size(), logged.log.made.size()); ++i) {
    meanings[i] = meaning_of(story, logged.deviations[i], logged.log.made[i]);
  }
  return meanings;
}

std::optional<uint32_t> ordinal_of(const Meaning& meaning, Actor actor, const RunResult& logged) {
  if (!meaning.known() || logged.log.dropped != 0) return std::nullopt;
  Story story(logged);
  uint32_t seen = 0;
  for (const Step& step : story.steps()) {
    if (!is_there(story, step, meaning, actor)) continue;
    if (seen++ == meaning.occurrence) return static_cast<uint32_t>(step.ordinal);
  }
  return std::nullopt;
}

}  // namespace pollux::run

// SPDX-License-Identifier: MIT
#include "run/elsewhere.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

namespace pollux::run {
namespace {

using Deviations = std::vector<Deviation>;
using How = Elsewhere::How;

constexpr int kNear = 8;            // ordinals that a deviation is moved by at most
constexpr int kNearPairs = 3;       // that two are moved by, each on its own
constexpr size_t kRunsMost = 4096;  // around one list of deviations
constexpr size_t kBatch = 64;
// A moved deviation may send the run another way, on which it gets lost.
constexpr uint64_t kBoundFactor = 4;
constexpr uint64_t kBoundSlack = 1000;

// 1, -1, 2, -2 ...
std::vector<int> distances(int most) {
  std::vector<int> all;
  for (int distance = 1; distance <= most; ++distance) {
    all.push_back(distance);
    all.push_back(-distance);
  }
  return all;
}

// False when it would be before the first one.
bool move(Deviation& deviation, int distance) {
  int64_t ordinal = int64_t{deviation.ordinal} + distance;
  if (ordinal < 0 || ordinal > UINT32_MAX) return false;
  deviation.ordinal = static_cast<uint32_t>(ordinal);
  return true;
}

bool same_counter(const Deviation& a, const Deviation& b) {
  return a.actor == b.actor && a.site == b.site;
}

// The nearest ones first: one moved alone; one with those behind it that are counted together, as
// by an edit between two of them; two, each on its own.
std::vector<Deviations> neighbours(const Deviations& base) {
  std::vector<Deviations> all;
  auto add = [&](auto change) {
    if (all.size() == kRunsMost) return;
    Deviations moved = base;
    if (change(moved)) all.push_back(std::move(moved));
  };
  for (int distance : distances(kNear)) {
    for (size_t i = 0; i < base.size(); ++i) {
      add([&](Deviations& d) { return move(d[i], distance); });
      add([&](Deviations& d) {
        size_t behind = 0;
        for (size_t j = i + 1; j < d.size(); ++j) {
          behind += same_counter(d[j], d[i]) && move(d[j], distance);
        }
        return behind != 0 && move(d[i], distance);
      });
    }
  }
  for (int first : distances(kNearPairs)) {
    for (int second : distances(kNearPairs)) {
      for (size_t i = 0; i < base.size(); ++i) {
        for (size_t j = i + 1; j < base.size(); ++j) {
          add([&](Deviations& d) { return move(d[i], first) && move(d[j], second); });
        }
      }
    }
  }
  return all;
}

class Finder {
 public:
  Finder(const Token& token, const Plan& plan, Runner& runner) : token_(token), runner_(runner) {
    found_.plan = plan;
  }

  Elsewhere find();

 private:
  bool try_plan(How);
  bool try_list(const Deviations&, How);
  Deviations by_meaning(const Deviations& recorded);
  bool look_around(const Deviations& base);

  bool same(const RunResult& run) const {
    return run.verdict == token_.verdict && property_of(run) == token_.property;
  }

  const Token& token_;
  Runner& runner_;
  Elsewhere found_;
};

bool Finder::try_plan(How how) {
  ++found_.runs;
  found_.result = runner_.run(found_.plan);
  found_.died = runner_.last_died();
  if (same(found_.result)) found_.how = how;
  return found_.how == how;
}

bool Finder::try_list(const Deviations& list, How how) {
  found_.plan.choices = list;
  return try_plan(how);
}

// Each in the run with those before it, which is the recorded one up to there if it means the same.
// One whose place is gone is taken to have moved as far as its thread's last one did.
Deviations Finder::by_meaning(const Deviations& recorded) {
  Deviations placed;
  std::map<Actor, int64_t> moved;
  for (size_t i = 0; i < recorded.size(); ++i) {
    Deviation deviation = recorded[i];
    if (i < token_.meanings.size() && token_.meanings[i].known()) {
      Plan before = found_.plan;
      before.choices = placed;
      ++found_.runs;
      const RunResult run = runner_.run(before, {.log = true});
      if (auto ordinal = ordinal_of(token_.meanings[i], deviation.actor, run)) {
        moved[deviation.actor] = int64_t{*ordinal} - deviation.ordinal;
      }
      move(deviation, static_cast<int>(moved[deviation.actor]));
    }
    placed.push_back(deviation);
  }
  return placed;
}

bool Finder::look_around(const Deviations& base) {
  // So many runs that spend their whole bound would take hours.
  if (token_.verdict == Verdict::step_limit || token_.verdict == Verdict::time_limit) return false;
  found_.plan.choices = base;
  ++found_.runs;
  const RunResult at_base = runner_.run(found_.plan);
  Watch watch;
  if (!runner_.last_died()) {
    watch.points_max = at_base.points * kBoundFactor + kBoundSlack;
    watch.calls_max = at_base.calls * kBoundFactor + kBoundSlack;
  }
  const std::vector<Deviations> lists = neighbours(base);
  for (size_t from = 0; from < lists.size();) {
    auto batch = std::span(lists).subspan(from, std::min(kBatch, lists.size() - from));
    RunResult run;
    const size_t at = runner_.run_until_failure(found_.plan, batch, watch, run);
    found_.runs += std::min(at + 1, batch.size());
    if (at < batch.size() && same(run) && try_list(batch[at], How::near_by)) return true;
    from += std::min(at + 1, batch.size());
  }
  return false;
}

Elsewhere Finder::find() {
  const auto* recorded = std::get_if<Deviations>(&token_.choices);
  if (recorded == nullptr || token_.then || token_.verdict == Verdict::held) {
    try_plan(How::as_recorded);
    return std::move(found_);
  }
  const Deviations placed = by_meaning(*recorded);
  const bool differs = placed != *recorded;
  if (differs && try_list(placed, How::by_meaning)) return std::move(found_);
  if (try_list(*recorded, How::as_recorded)) return std::move(found_);
  if (look_around(placed) || (differs && look_around(*recorded))) return std::move(found_);
  try_list(placed, How::not_at_all);
  return std::move(found_);
}

}  // namespace

Elsewhere find_elsewhere(const Token& token, const Plan& plan, Runner& runner) {
  return Finder(token, plan, runner).find();
}

std::vector<std::string> moves(const Token& token, const Elsewhere& found) {
  std::vector<std::string> texts;
  const auto* recorded = std::get_if<Deviations>(&token.choices);
  const auto* here = std::get_if<Deviations>(&found.plan.choices);
  if (recorded == nullptr || here == nullptr) return texts;
  for (size_t i = 0; i < std::min(recorded->size(), here->size()); ++i) {
    const int64_t by = int64_t{(*here)[i].ordinal} - (*recorded)[i].ordinal;
    if (by == 0) continue;
    texts.push_back("deviation " + std::to_string(i + 1) + " moved by " + (by > 0 ? "+" : "") +
                    std::to_string(by));
  }
  return texts;
}

}  // namespace pollux::run

// SPDX-License-Identifier: MIT
//
// One strategy up to a scheduling point of the run, another one after it. Neither may skip: who
// answers depends on how far the run is, and only a strategy that is asked each time can tell.
#include <algorithm>

#include "explore/state.h"

namespace pollux {
namespace {

class PrefixStrategy final : public Strategy {
 public:
  PrefixStrategy(std::unique_ptr<Strategy> first, uint64_t from, std::unique_ptr<Strategy> then)
      : parts_{{std::move(first), {}}, {std::move(then), {}}}, from_(from) {}

  void begin(std::span<uint32_t, kSitesMax> skip) override {
    // The one that comes later must not miss what the first part of the run touches.
    for (Part& part : parts_) part.strategy->begin(std::span<uint32_t, kSitesMax>(part.skip));
    std::fill(skip.begin(), skip.end(), 0);
  }

  Answer choose(Actor actor, Site site, uint32_t ordinal, uint32_t n) override {
    Part& part = now();
    if (part.skips(site)) return {0, 0};
    Answer answer = part.strategy->choose(actor, site, ordinal, n);
    part.skip[site] = answer.skip;
    return {answer.outcome, 0};
  }

  ThreadAnswer choose_thread(Actor actor, Site site, uint32_t ordinal, uint64_t candidates,
                             Actor boring) override {
    Part& part = now();
    if (part.skips(site)) return {boring, 0};
    ThreadAnswer answer = part.strategy->choose_thread(actor, site, ordinal, candidates, boring);
    part.skip[site] = answer.skip;
    return {answer.thread, 0};
  }

 private:
  struct Part {
    std::unique_ptr<Strategy> strategy;
    uint32_t skip[kSitesMax];

    bool skips(Site site) {
      if (skip[site] == 0) return false;
      skip[site] -= skip[site] != kNeverAsk;
      return true;
    }
  };
  Part& now() { return parts_[explore::state.points < from_ ? 0 : 1]; }

  Part parts_[2];
  uint64_t from_;
};

}  // namespace

std::unique_ptr<Strategy> make_prefix_strategy(std::unique_ptr<Strategy> first, uint64_t from,
                                               std::unique_ptr<Strategy> then) {
  return std::make_unique<PrefixStrategy>(std::move(first), from, std::move(then));
}

}  // namespace pollux

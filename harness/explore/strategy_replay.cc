// SPDX-License-Identifier: MIT
//
// Exactly the given deviations. A site without any left is never asked again, so the tail of a
// replay runs at full speed.
#include <algorithm>

#include "explore/swarm.h"

namespace pollux {
namespace {

class ReplayStrategy final : public Strategy {
 public:
  explicit ReplayStrategy(std::vector<Deviation> deviations) : deviations_(std::move(deviations)) {
    std::erase_if(deviations_, [](const Deviation& d) {
      return d.actor >= kActors || d.site >= kSitesMax || d.outcome == 0;
    });
    std::stable_sort(deviations_.begin(), deviations_.end(), by_place);
  }

  void begin(std::span<uint32_t, kSitesMax> skip) override {
    std::fill(std::begin(left_), std::end(left_), 0);
    std::fill(std::begin(cursor_), std::end(cursor_), kNone);
    for (uint32_t i = 0; i < deviations_.size(); ++i) {
      const Deviation& d = deviations_[i];
      ++left_[d.site];
      uint32_t& first = cursor_[d.actor * kSitesMax + d.site];
      if (first == kNone) first = i;
    }
    for (unsigned site = 0; site < kSitesMax; ++site) skip[site] = skip_of(site);
  }

  Answer choose(Actor actor, Site site, uint32_t ordinal, uint32_t n) override {
    uint32_t outcome = take(actor, site, ordinal);
    return {outcome < n ? outcome : 0, skip_of(site)};
  }

  ThreadAnswer choose_thread(Actor actor, Site site, uint32_t ordinal, uint64_t candidates,
                             Actor boring) override {
    uint32_t outcome = take(actor, site, ordinal);
    bool can_run = outcome != 0 && outcome <= kThreadsMax && (candidates >> (outcome - 1) & 1) != 0;
    return {can_run ? static_cast<Actor>(outcome - 1) : boring, skip_of(site)};
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  static bool by_place(const Deviation& x, const Deviation& y) {
    if (x.actor != y.actor) return x.actor < y.actor;
    if (x.site != y.site) return x.site < y.site;
    return x.ordinal < y.ordinal;
  }

  uint32_t skip_of(unsigned site) const { return left_[site] != 0 ? 0 : kNeverAsk; }

  // The outcome recorded for this choice, 0 when there is none. Steps over the ones that this run
  // has already passed: nobody asked, so they could not happen.
  uint32_t take(Actor actor, Site site, uint32_t ordinal) {
    uint32_t& at = cursor_[actor * kSitesMax + site];
    while (at != kNone) {
      const Deviation& d = deviations_[at];
      if (d.ordinal > ordinal) return 0;
      --left_[site];
      uint32_t next = at + 1;
      bool same = next < deviations_.size() && deviations_[next].actor == actor &&
                  deviations_[next].site == site;
      at = same ? next : kNone;
      if (d.ordinal == ordinal) return d.outcome;
    }
    return 0;
  }

  std::vector<Deviation> deviations_;  // by (actor, site, ordinal)
  uint32_t left_[kSitesMax];           // per site, deviations that may still happen
  uint32_t cursor_[kActors * kSitesMax];
};

}  // namespace

std::unique_ptr<Strategy> make_replay_strategy(std::vector<Deviation> deviations) {
  return std::make_unique<ReplayStrategy>(std::move(deviations));
}

}  // namespace pollux

// SPDX-License-Identifier: MIT
#include "explore/bounds.h"

#include "explore/state.h"
#include "explore/swarm.h"

namespace pollux::explore {
namespace {

bool never_varied(Site site) { return site == site::kHold || site == site::kRandom; }

// The thread that chooses gave way of its own accord and could go on.
bool is_yield(Actor actor, uint64_t candidates) {
  return actor < kThreadsMax && (state.runnable & bit(actor)) != 0 &&
         (candidates & bit(actor)) == 0;
}

// Holding a thread up changes something only when time could bring what is due. Without, it is the
// same as preempting it and never choosing it at a pick.
uint64_t without_idle_hold(uint64_t candidates) {
  return timeline().next() == kNever ? candidates & ~bit(kNobody) : candidates;
}

}  // namespace

Cost cost_of(Site site) {
  switch (site) {
    case site::kPoint:
    case site::kYield:
      return Cost::preemption;
    case site::kPick:
    case site::kCondWake:
    case site::kFutexWake:
    case site::kLockWake:
    case site::kEpollWake:
    case site::kSignalThread:
    case site::kWorkload:
      return Cost::free;
    default:
      return Cost::fault;
  }
}

Menu thread_menu(Actor actor, Site site, uint32_t ordinal, uint64_t candidates, Actor boring) {
  Menu menu{actor, site, ordinal, static_cast<uint8_t>(boring), cost_of(site), 0};
  menu.others = without_idle_hold(candidates) & ~bit(boring);
  if (site == site::kPick && is_yield(actor, candidates)) menu.cost = Cost::preemption;
  return menu;
}

Menu outcome_menu(Actor actor, Site site, uint32_t ordinal, uint32_t n) {
  if (is_one_in_n(site)) n = 2;
  uint64_t bits = n <= kOutcomesMax ? (uint64_t{1} << n) - 1 : 0b1111;
  return {actor, site, ordinal, 0, cost_of(site), bits & ~uint64_t{1}};
}

uint32_t outcome_of(unsigned bit, uint32_t n) {
  if (n <= kOutcomesMax) return bit;
  return bit == 0 ? 0 : bit == 1 ? 1 : bit == 2 ? n / 2 : n - 1;
}

void Purse::begin(std::span<uint32_t, kSitesMax> skip) const {
  for (Site site = 0; site < kSitesMax; ++site) {
    skip[site] = never_varied(site) ? kNeverAsk : this->skip(site);
  }
}

}  // namespace pollux::explore

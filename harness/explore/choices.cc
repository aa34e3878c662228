// SPDX-License-Identifier: MIT
//
// The slow half of Choices: somebody has to be asked. That comes from points, too, where the gate
// is open, and what is remembered of it is not the program's.
//
// Only outcomes that are not boring reach the hash. A replay asks at other moments than the
// strategy that found the run did, and must come to the same hash all the same.
#include "pollux/choice.h"

#include <algorithm>
#include <cstring>

#include "explore/check.h"
#include "pollux/shim/gate.h"
#include "trace/recorder.h"

namespace pollux {
namespace {

// In the hash the failure points have the numbers that they had when there were 21 sites, and sites
// that came later go last: a site that is added and not visited changes no hash.
constexpr uint64_t hash_number(Site site) {
  constexpr Site kFirstSites = 21;
  if (site < kFirstSites) return site;
  if (site >= site::kFirstFault) return site - uint64_t{site::kFirstFault} + kFirstSites;
  return kSitesMax + uint64_t{site};
}

}  // namespace

void Choices::begin(Strategy& strategy) {
  strategy_ = &strategy;
  actor_ = 0;
  deviations_.clear();
  std::memset(skip_, 0, sizeof skip_);
  // Only the rows that the previous run used: clearing all 50 KB would double the cost of a small
  // run.
  std::memset(ordinal_, 0, threads_ * sizeof ordinal_[0]);
  threads_ = 1;
  std::memset(ordinal_[kNetwork], 0, sizeof ordinal_[kNetwork]);
  strategy.begin(std::span<uint32_t, kSitesMax>(skip_));
}

void Choices::become_child(uint32_t serial) {
  constexpr unsigned kShift = 20;  // so many choices of an actor at a site are its own
  for (auto& row : ordinal_) {
    for (uint32_t& ordinal : row) ordinal = serial << kShift;
  }
}

uint32_t Choices::ask(Site site, uint32_t ordinal, uint32_t n) {
  shim::HarnessScope scope;
  Answer answer = strategy_->choose(actor_, site, ordinal, n);
  POLLUX_EXPLORE_CHECK(answer.outcome < n);
  skip_[site] = answer.skip;
  if (answer.outcome != 0) {
    deviations_.push_back({actor_, site, ordinal, answer.outcome});
    trace::recorder.mix((uint64_t{0xC0} << 56) | (hash_number(site) << 32) | answer.outcome);
  }
  return answer.outcome;
}

Actor Choices::ask_thread(Site site, uint32_t ordinal, uint64_t candidates, Actor boring) {
  shim::HarnessScope scope;
  ThreadAnswer answer = strategy_->choose_thread(actor_, site, ordinal, candidates, boring);
  POLLUX_EXPLORE_CHECK(answer.thread == boring ||
                       (answer.thread < kThreadsMax && (candidates >> answer.thread & 1) != 0));
  skip_[site] = answer.skip;
  if (answer.thread != boring) {
    deviations_.push_back({actor_, site, ordinal, answer.thread + 1u});
  }
  return answer.thread;
}

}  // namespace pollux

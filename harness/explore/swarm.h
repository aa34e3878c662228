// SPDX-License-Identifier: MIT
//
// Swarm testing (Groce et al., ISSTA 2012) for every site but the choice of threads: each run
// draws which sites are alive at all, how often each deviates, and towards which outcomes.
#pragma once

#include <vector>

#include "explore/random.h"
#include "pollux/choice.h"

namespace pollux::explore {

// At these sites n says how rare the one outcome besides 0 is: the link's business, not a
// strategy's.
constexpr bool is_one_in_n(Site site) {
  return site == site::kNetLoss || site == site::kNetDuplicate || site == site::kNetReorder;
}

class Swarm {
 public:
  // `fault_rates[i]`: share of the visits at which failure point i happens while it is alive;
  // `fault_swarm`: share of the failure points that a run has alive.
  Swarm(uint64_t seed, std::vector<double> fault_rates, double fault_swarm);

  // Sites that can never deviate in this run are skipped for good.
  void begin(std::span<uint32_t, kSitesMax> skip);

  Answer choose(Site, uint32_t n);

  // The choice of who runs after somebody stopped.
  ThreadAnswer pick(uint64_t candidates, Actor boring);

  Random& random() { return random_; }

 private:
  enum class Shape : uint8_t { uniform, small, extreme };
  struct Draw {
    bool done = false;
    Shape shape = Shape::uniform;
    uint32_t mean_gap = kNeverAsk;
  };
  void draw(Site, Draw&);
  uint32_t next_gap(uint32_t mean) {
    return mean == kNeverAsk ? kNeverAsk : mean == 0 ? 0 : random_.gap(mean);
  }

  uint64_t seed_;
  Random random_;
  std::vector<double> fault_rates_;
  double fault_swarm_;
  Draw draws_[kSitesMax];
};

// The k-th set bit.
inline Actor nth_thread(uint64_t mask, unsigned k) {
  while (k-- != 0) mask &= mask - 1;
  return static_cast<Actor>(std::countr_zero(mask));
}

}  // namespace pollux::explore

// SPDX-License-Identifier: MIT
//
// How many runs a bound has, without making them all.
//
// A probe goes down the tree of choices at random; the product of one over the probabilities of its
// choices is, on average, the number of leaves (Knuth: "Estimating the efficiency of backtrack
// programs", Mathematics of Computation 29, 1975). With even chances nearly all probes would spend
// their preemptions at once, and the estimate would come from the few that do not. So a probe
// deviates about as often as a leaf does: with k deviations left and m more places to come, once in
// m / k.
//
// On average the estimate is right, but it is more often too low than too high: where a few
// subtrees are far larger than the others, no probe may have met one.
#pragma once

#include "explore/bounds.h"
#include "explore/random.h"
#include "pollux/choice.h"

namespace pollux::explore {

class TreeProbe final : public Strategy {
 public:
  TreeProbe(Bounds bounds, uint64_t seed) : bounds_(bounds), random_(seed) {}

  // The number of leaves that the most recent run stands for.
  double leaves() const { return leaves_; }

 private:
  // Places of one cost: how many this run has seen, and how many the longest run had.
  struct Places {
    uint64_t seen = 0, most = 1;
  };

  void begin(std::span<uint32_t, kSitesMax> skip) override;
  Answer choose(Actor, Site, uint32_t ordinal, uint32_t n) override;
  ThreadAnswer choose_thread(Actor, Site, uint32_t ordinal, uint64_t candidates,
                             Actor boring) override;
  unsigned visit(const Menu&);

  Bounds bounds_;
  Random random_;
  Purse purse_;
  Places points_, faults_;
  double leaves_ = 1;
};

// Mean and standard error of what the probes said.
class Estimate {
 public:
  void add(double leaves);
  uint64_t probes() const { return n_; }
  double mean() const { return mean_; }
  double error() const;  // of the mean

 private:
  uint64_t n_ = 0;
  double mean_ = 0, squares_ = 0;
};

}  // namespace pollux::explore

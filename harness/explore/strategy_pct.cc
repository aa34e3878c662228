// SPDX-License-Identifier: MIT
//
// Probabilistic concurrency testing: the runnable thread with the highest priority runs; at
// depth - 1 points, drawn before the run, the running thread falls below all others. Finds a bug
// that needs `depth` ordering constraints with probability >= 1 / (threads * length^(depth-1)).
//
// Two additions keep programs that wait by spinning alive. A thread that yields falls, too: it was
// left at a pick and yet could run at the next point, which tells a yield from a wait. And a thread
// that has held the carrier for kStarvationBound points falls.
#include <algorithm>

#include "explore/swarm.h"

namespace pollux {
namespace {

constexpr uint32_t kStarvationBound = 5'000;

class PctStrategy final : public Strategy {
 public:
  PctStrategy(uint64_t seed, unsigned depth, uint64_t length, std::vector<double> fault_rates,
              double fault_swarm)
      : swarm_(seed, std::move(fault_rates), fault_swarm) {
    explore::Random random(explore::derive_seed(seed, site::kPoint));
    for (unsigned i = 1; i < depth; ++i) {
      changes_.push_back(1 + random.below64(length != 0 ? length : 1));
    }
    std::sort(changes_.begin(), changes_.end());
    for (uint64_t& priority : priorities_) priority = kInitial | (random.next() >> 8);
  }

  void begin(std::span<uint32_t, kSitesMax> skip) override { swarm_.begin(skip); }

  Answer choose(Actor, Site site, uint32_t, uint32_t n) override { return swarm_.choose(site, n); }

  ThreadAnswer choose_thread(Actor actor, Site site, uint32_t, uint64_t candidates,
                             Actor boring) override {
    if (site != site::kPoint) {
      left_ = actor;
      held_ = 0;
      return {best(candidates), 0};
    }
    candidates &= ~(uint64_t{1} << kNobody);
    if (candidates == 0) return {boring, 0};
    if (left_ < kThreadsMax && (candidates >> left_ & 1) != 0) lower(left_);
    left_ = kNetwork;
    ++points_;
    if (next_change_ < changes_.size() && points_ >= changes_[next_change_]) {
      ++next_change_;
      lower(boring);
    }
    if (++held_ > kStarvationBound) lower(boring);
    Actor thread = best(candidates | uint64_t{1} << boring);
    if (thread != boring) held_ = 0;
    return {thread, 0};
  }

 private:
  static constexpr uint64_t kInitial = uint64_t{1} << 62;

  void lower(Actor thread) { priorities_[thread] = --lowest_; }

  Actor best(uint64_t candidates) const {
    Actor found = kNetwork;
    for (uint64_t rest = candidates; rest != 0; rest &= rest - 1) {
      auto thread = static_cast<Actor>(std::countr_zero(rest));
      if (found == kNetwork || priorities_[thread] > priorities_[found]) found = thread;
    }
    return found;
  }

  explore::Swarm swarm_;
  std::vector<uint64_t> changes_;
  size_t next_change_ = 0;
  uint64_t points_ = 0;
  uint64_t priorities_[kThreadsMax];
  uint64_t lowest_ = kInitial;
  uint32_t held_ = 0;
  Actor left_ = kNetwork;
};

}  // namespace

std::unique_ptr<Strategy> make_pct_strategy(uint64_t seed, unsigned depth, uint64_t length,
                                            std::vector<double> fault_rates, double fault_swarm) {
  return std::make_unique<PctStrategy>(seed, depth, length, std::move(fault_rates), fault_swarm);
}

}  // namespace pollux

// SPDX-License-Identifier: MIT
//
// The two strategies that everything else is measured against.
//
// The walk switches with even chances at each point. For programs of a few points that is hard to
// beat; in long ones all threads advance in lock step (strategy_random.cc). Round robin switches to
// the next thread in turn after a fixed number of points, 1 to 64 and drawn per run: few schedules,
// but very regular ones, which random bursts rarely are.
#include <bit>

#include "explore/swarm.h"

namespace pollux {
namespace {

constexpr uint64_t kNobodyBit = uint64_t{1} << kNobody;

class WalkStrategy final : public Strategy {
 public:
  WalkStrategy(uint64_t seed, std::vector<double> fault_rates, double fault_swarm)
      : swarm_(seed, std::move(fault_rates), fault_swarm) {}

  void begin(std::span<uint32_t, kSitesMax> skip) override { swarm_.begin(skip); }
  Answer choose(Actor, Site site, uint32_t, uint32_t n) override { return swarm_.choose(site, n); }

  ThreadAnswer choose_thread(Actor, Site, uint32_t, uint64_t candidates, Actor boring) override {
    candidates = (candidates & ~kNobodyBit) | uint64_t{1} << boring;
    auto count = static_cast<uint32_t>(std::popcount(candidates));
    return {explore::nth_thread(candidates, swarm_.random().below(count)), 0};
  }

 private:
  explore::Swarm swarm_;
};

class RoundRobinStrategy final : public Strategy {
 public:
  RoundRobinStrategy(uint64_t seed, std::vector<double> fault_rates, double fault_swarm)
      : swarm_(seed, std::move(fault_rates), fault_swarm) {
    explore::Random random(explore::derive_seed(seed, site::kPoint));
    turn_ = random.log_uniform(1, 64);
    first_ = random.below(turn_);
  }

  void begin(std::span<uint32_t, kSitesMax> skip) override {
    swarm_.begin(skip);
    skip[site::kPoint] = first_;
    skip[site::kPick] = kNeverAsk;  // whose turn it is is the boring answer there
  }
  Answer choose(Actor, Site site, uint32_t, uint32_t n) override { return swarm_.choose(site, n); }

  ThreadAnswer choose_thread(Actor, Site, uint32_t, uint64_t candidates, Actor boring) override {
    candidates &= ~kNobodyBit;
    if (candidates == 0) return {boring, turn_ - 1};
    uint64_t later = boring + 1u < 64 ? candidates >> (boring + 1) << (boring + 1) : 0;
    uint64_t next = later != 0 ? later : candidates;
    return {static_cast<Actor>(std::countr_zero(next)), turn_ - 1};
  }

 private:
  explore::Swarm swarm_;
  uint32_t turn_, first_;
};

}  // namespace

std::unique_ptr<Strategy> make_walk_strategy(uint64_t seed, std::vector<double> fault_rates,
                                             double fault_swarm) {
  return std::make_unique<WalkStrategy>(seed, std::move(fault_rates), fault_swarm);
}

std::unique_ptr<Strategy> make_round_robin_strategy(uint64_t seed, std::vector<double> fault_rates,
                                                    double fault_swarm) {
  return std::make_unique<RoundRobinStrategy>(seed, std::move(fault_rates), fault_swarm);
}

}  // namespace pollux

// SPDX-License-Identifier: MIT
//
// Random runs. Switching with the same probability at every point of every run is a trap: all
// threads then advance in lock step, and 200 seeds show one order of events. Each run therefore
// draws how long its bursts are, from every second point to one in 500, and whether they are
// regular or ragged; and whether threads are also held up (kNobody).
#include "explore/swarm.h"

namespace pollux {
namespace {

using explore::nth_thread;

class RandomStrategy final : public Strategy {
 public:
  RandomStrategy(uint64_t seed, std::vector<double> fault_rates, double fault_swarm)
      : swarm_(seed, std::move(fault_rates), fault_swarm) {
    explore::Random random(explore::derive_seed(seed, site::kPoint));
    burst_ = random.log_uniform(2, 500);
    ragged_ = random.one_in(2);
    // A thread that the machine keeps from running is rare: too many holds and nothing gets done.
    if (random.one_in(3)) holds_left_ = random.log_uniform(1, 32);
    hold_gap_ = random.log_uniform(1, 64);
  }

  void begin(std::span<uint32_t, kSitesMax> skip) override {
    swarm_.begin(skip);
    skip[site::kPoint] = next_burst();
  }

  Answer choose(Actor, Site site, uint32_t, uint32_t n) override { return swarm_.choose(site, n); }

  ThreadAnswer choose_thread(Actor, Site site, uint32_t, uint64_t candidates,
                             Actor boring) override {
    if (site != site::kPoint) return swarm_.pick(candidates, boring);
    // Held up rather than preempted in some runs: what is due then happens in between.
    constexpr uint64_t kNobodyBit = uint64_t{1} << kNobody;
    if (holds_left_ != 0 && (candidates & kNobodyBit) != 0 && swarm_.random().one_in(hold_gap_)) {
      --holds_left_;
      return {kNobody, next_burst()};
    }
    uint64_t others = candidates & ~kNobodyBit;
    auto count = static_cast<unsigned>(std::popcount(others));
    if (count == 0) return {boring, next_burst()};
    Actor thread = nth_thread(others, count == 1 ? 0 : swarm_.random().below(count));
    return {thread, next_burst()};
  }

 private:
  uint32_t next_burst() {
    return ragged_ ? swarm_.random().gap(burst_ - 1) : swarm_.random().below(2 * burst_ - 1);
  }

  explore::Swarm swarm_;
  uint32_t burst_;
  bool ragged_;
  uint32_t holds_left_ = 0;
  uint32_t hold_gap_ = 1;  // one in so many of the burst ends
};

}  // namespace

std::unique_ptr<Strategy> make_random_strategy(uint64_t seed, std::vector<double> fault_rates,
                                               double fault_swarm) {
  return std::make_unique<RandomStrategy>(seed, std::move(fault_rates), fault_swarm);
}

}  // namespace pollux

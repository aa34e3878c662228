// SPDX-License-Identifier: MIT
//
// Active random testing (Sen: "Race directed random testing of concurrent programs", PLDI 2008,
// with Joshi, Naik, Park, Sen: "CalFuzzer", CAV 2009). A thread that arrives at one of a few chosen
// places is paused there, in front of what it is about to do, while the others go on: what happens
// only if two or three threads stand at exact places at once, which bursts and priorities need luck
// for at each of them, needs luck here once, in the choice of the places.
//
// The papers take the places from an analysis that suspects them. Here each run draws them: one in
// 2 to 64 of all places, the same ones whenever they are passed. A place is where the point is in
// the program, as it goes into the hash, so the choice is the same in each process.
//
// A pause ends when nobody else can run, and after a number of points of others, drawn anew for
// each. Whoever is left runs in bursts.
#include <bit>

#include "explore/access.h"
#include "explore/swarm.h"

namespace pollux {
namespace {

constexpr uint64_t kNobodyBit = uint64_t{1} << kNobody;

class ActiveStrategy final : public Strategy, private explore::AccessObserver {
 public:
  ActiveStrategy(uint64_t seed, std::vector<double> fault_rates, double fault_swarm)
      : swarm_(seed, std::move(fault_rates), fault_swarm),
        random_(explore::derive_seed(seed, site::kPoint)),
        places_(random_.next()),
        one_place_in_(random_.log_uniform(2, 64)),
        pause_max_(random_.log_uniform(32, 8192)),
        burst_(random_.log_uniform(2, 500)) {
    if (random_.one_in(2)) holds_left_ = random_.log_uniform(1, 32);
  }

  void begin(std::span<uint32_t, kSitesMax> skip) override {
    swarm_.begin(skip);
    explore::observe_accesses(this);
  }
  Answer choose(Actor, Site site, uint32_t, uint32_t n) override { return swarm_.choose(site, n); }

  ThreadAnswer choose_thread(Actor, Site site, uint32_t, uint64_t candidates,
                             Actor boring) override {
    const bool nobody = (candidates & kNobodyBit) != 0 && site == site::kPoint;
    candidates = (candidates & ~kNobodyBit) | uint64_t{1} << boring;
    ++now_;
    end_pauses();
    const uint64_t running = candidates & ~paused_;
    if (running == 0) {
      // Time goes on before anybody does, in some runs.
      if (nobody && holds_left_ != 0 && random_.one_in(2)) {
        --holds_left_;
        return {kNobody, 0};
      }
      const Actor thread = any_of(candidates);
      paused_ &= ~(uint64_t{1} << thread);
      return {thread, 0};
    }
    if ((running >> boring & 1) != 0 && site == site::kPoint && !random_.one_in(burst_)) {
      return {boring, 0};
    }
    return {any_of(running), 0};
  }

 private:
  void at_point(Actor thread, uint64_t where, explore::Object, bool) override {
    if (explore::derive_seed(places_, where) % one_place_in_ != 0) return;
    paused_ |= uint64_t{1} << thread;
    until_[thread] = now_ + random_.log_uniform(16, pause_max_);
  }
  void touched(Actor, explore::Object, bool) override {}
  void enabled(Actor, Actor) override {}
  void created(Actor, Actor) override {}

  void end_pauses() {
    for (uint64_t rest = paused_; rest != 0; rest &= rest - 1) {
      const int thread = std::countr_zero(rest);
      if (until_[thread] <= now_) paused_ &= ~(uint64_t{1} << thread);
    }
  }
  Actor any_of(uint64_t threads) {
    return explore::nth_thread(threads,
                               random_.below(static_cast<uint32_t>(std::popcount(threads))));
  }

  explore::Swarm swarm_;
  explore::Random random_;
  const uint64_t places_;  // the seed of what is a place
  const uint32_t one_place_in_;
  const uint32_t pause_max_;
  const uint32_t burst_;
  uint32_t holds_left_ = 0;
  uint64_t now_ = 0;     // choices of a thread so far
  uint64_t paused_ = 0;  // a bit for each thread
  uint64_t until_[kThreadsMax] = {};
};

}  // namespace

std::unique_ptr<Strategy> make_active_strategy(uint64_t seed, std::vector<double> fault_rates,
                                               double fault_swarm) {
  return std::make_unique<ActiveStrategy>(seed, std::move(fault_rates), fault_swarm);
}

}  // namespace pollux

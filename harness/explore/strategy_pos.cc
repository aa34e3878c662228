// SPDX-License-Identifier: MIT
//
// Partial order sampling (Yuan, Yang, Gu: "Partial order aware concurrency sampling", CAV 2018).
// What a thread is about to do has a random priority, and the highest goes first. When it is done,
// whatever the other threads are about to do to the same object, one of the two writing, gets a new
// priority: who is late to one object is not for that reason late to the next. So orders of
// dependent steps are drawn, and the many schedules that differ in nothing else do not crowd out
// the rest.
#include <bit>

#include "explore/access.h"
#include "explore/swarm.h"

namespace pollux {
namespace {

class PosStrategy final : public Strategy, private explore::AccessObserver {
 public:
  PosStrategy(uint64_t seed, std::vector<double> fault_rates, double fault_swarm)
      : swarm_(seed, std::move(fault_rates), fault_swarm),
        random_(explore::derive_seed(seed, site::kPoint)) {
    for (Next& next : next_) next.priority = random_.next();
  }

  void begin(std::span<uint32_t, kSitesMax> skip) override {
    swarm_.begin(skip);
    explore::observe_accesses(this);
  }
  Answer choose(Actor, Site site, uint32_t, uint32_t n) override { return swarm_.choose(site, n); }

  ThreadAnswer choose_thread(Actor, Site site, uint32_t, uint64_t candidates,
                             Actor boring) override {
    if (site == site::kPoint) {
      candidates = (candidates & ~(uint64_t{1} << kNobody)) | uint64_t{1} << boring;
    }
    Actor best = kNetwork;
    for (uint64_t rest = candidates; rest != 0; rest &= rest - 1) {
      auto thread = static_cast<Actor>(std::countr_zero(rest));
      if (best == kNetwork || next_[thread].priority > next_[best].priority) best = thread;
    }
    return {best, 0};
  }

 private:
  // What a thread is about to do.
  struct Next {
    explore::Object object = explore::kNoObject;
    bool writes = false;
    uint64_t priority = 0;
  };

  void at_point(Actor thread, uint64_t, explore::Object object, bool writes) override {
    next_[thread] = {object, writes, random_.next()};
    if (thread >= threads_) threads_ = thread + 1u;
  }
  void touched(Actor by, explore::Object object, bool writes) override {
    for (unsigned thread = 0; thread < threads_; ++thread) {
      Next& next = next_[thread];
      if (thread == by || next.object != object || !(writes || next.writes)) continue;
      next.priority = random_.next();
    }
  }
  void enabled(Actor, Actor whom) override { at_point(whom, 0, explore::kNoObject, false); }
  void created(Actor, Actor whom) override { at_point(whom, 0, explore::kNoObject, false); }

  explore::Swarm swarm_;
  explore::Random random_;
  Next next_[kThreadsMax];
  unsigned threads_ = 0;
};

}  // namespace

std::unique_ptr<Strategy> make_pos_strategy(uint64_t seed, std::vector<double> fault_rates,
                                            double fault_swarm) {
  return std::make_unique<PosStrategy>(seed, std::move(fault_rates), fault_swarm);
}

}  // namespace pollux

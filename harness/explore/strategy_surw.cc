// SPDX-License-Identifier: MIT
//
// Selectively uniform random walk (Zhao et al.: "Selectively uniform concurrency testing", ASPLOS
// 2025). At each point the thread that runs is drawn with a probability in proportion to the points
// that it still has before it, which makes all interleavings of threads with known numbers of
// points equally likely: a walk with even chances is far more likely to exhaust the short thread
// first.
//
// Which points count is the selection. Here it is all of them; the numbers come from a run that was
// counted. A thread that has passed more points than it was said to have, or was not in that run,
// counts as if it had one left. A thread that is not created yet counts with its creator; who that
// will be is not in the numbers, and thread 0 is taken for it.
#include <bit>

#include "explore/swarm.h"

namespace pollux {
namespace {

class SurwStrategy final : public Strategy {
 public:
  SurwStrategy(uint64_t seed, std::vector<uint32_t> counts, std::vector<double> fault_rates,
               double fault_swarm)
      : swarm_(seed, std::move(fault_rates), fault_swarm),
        random_(explore::derive_seed(seed, site::kPoint)),
        counts_(std::move(counts)),
        threads_(counts_.size()) {
    counts_.resize(kThreadsMax, 0);
  }

  void begin(std::span<uint32_t, kSitesMax> skip) override { swarm_.begin(skip); }
  Answer choose(Actor, Site site, uint32_t, uint32_t n) override { return swarm_.choose(site, n); }

  ThreadAnswer choose_thread(Actor actor, Site site, uint32_t ordinal, uint64_t candidates,
                             Actor boring) override {
    if (site == site::kPoint) {
      candidates = (candidates & ~(uint64_t{1} << kNobody)) | uint64_t{1} << boring;
      passed_[actor] = ordinal + 1;
    }
    seen_ |= candidates;
    uint64_t sum = 0;
    for (uint64_t rest = candidates; rest != 0; rest &= rest - 1) {
      sum += left(static_cast<unsigned>(std::countr_zero(rest)));
    }
    uint64_t at = random_.below64(sum);
    for (uint64_t rest = candidates;; rest &= rest - 1) {
      auto thread = static_cast<Actor>(std::countr_zero(rest));
      uint64_t points = left(thread);
      if (at < points) return {thread, 0};
      at -= points;
    }
  }

 private:
  uint64_t left(unsigned thread) const {
    // What it runs between its points is one piece more than there are points.
    uint64_t own = counts_[thread] > passed_[thread] ? counts_[thread] - passed_[thread] + 1 : 1;
    return thread == 0 ? own + not_created() : own;
  }
  uint64_t not_created() const {
    uint64_t sum = 0;
    for (unsigned thread = 1; thread < threads_; ++thread) {
      if ((seen_ >> thread & 1) == 0) sum += counts_[thread] + 1;
    }
    return sum;
  }

  explore::Swarm swarm_;
  explore::Random random_;
  std::vector<uint32_t> counts_;
  size_t threads_;
  uint64_t seen_ = 0;  // a bit for each thread that was there
  uint32_t passed_[kThreadsMax] = {};
};

}  // namespace

std::unique_ptr<Strategy> make_surw_strategy(uint64_t seed, std::vector<uint32_t> counts,
                                             std::vector<double> fault_rates, double fault_swarm) {
  return std::make_unique<SurwStrategy>(seed, std::move(counts), std::move(fault_rates),
                                        fault_swarm);
}

}  // namespace pollux

// SPDX-License-Identifier: MIT
//
// What a run chose, kept where it survives the death of the process that ran it.
//
// A run that ends in a crash can not tell its deviations. The tap stands between the run and its
// strategy and writes each deviation into memory shared with the parent process as it is made.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "pollux/choice.h"

namespace pollux::run {

// In shared memory; written by the run, read by the parent after the run's end.
struct DeviationLog {
  static constexpr uint32_t kMax = 4u << 20;

  std::atomic<uint32_t> count;  // made so far, also those beyond kMax
  Deviation deviations[kMax];   // untouched pages cost nothing

  std::vector<Deviation> copy() const;
  bool complete() const { return count.load(std::memory_order_relaxed) <= kMax; }
};

class Tap final : public Strategy {
 public:
  Tap(Strategy& inner, DeviationLog& log) : inner_(inner), log_(log) {}

  void begin(std::span<uint32_t, kSitesMax> skip) override {
    log_.count.store(0, std::memory_order_relaxed);
    inner_.begin(skip);
  }
  Answer choose(Actor actor, Site site, uint32_t ordinal, uint32_t n) override {
    Answer answer = inner_.choose(actor, site, ordinal, n);
    if (answer.outcome != 0) add({actor, site, ordinal, answer.outcome});
    return answer;
  }
  ThreadAnswer choose_thread(Actor actor, Site site, uint32_t ordinal, uint64_t candidates,
                             Actor boring) override {
    ThreadAnswer answer = inner_.choose_thread(actor, site, ordinal, candidates, boring);
    if (answer.thread != boring) add({actor, site, ordinal, 1u + answer.thread});
    return answer;
  }

 private:
  void add(const Deviation& deviation) {
    uint32_t at = log_.count.load(std::memory_order_relaxed);
    if (at < DeviationLog::kMax) log_.deviations[at] = deviation;
    log_.count.store(at + 1, std::memory_order_relaxed);
  }

  Strategy& inner_;
  DeviationLog& log_;
};

}  // namespace pollux::run

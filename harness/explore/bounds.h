// SPDX-License-Identifier: MIT
//
// What a bounded search may choose from at one place of a run, and what it costs.
//
//   preemption   a thread that could go on is switched away from: at a point (kNobody included: it
//                is held up until what is due next has happened), or another than the next in turn
//                after a yield; or it yields, and goes on all the same
//   fault        whatever the world does that it need not: a failure point says yes, a wait ends
//                without a signal, a packet is late or in pieces, events come in another order
//   free         who runs after a thread that can not go on, and who is woken: all are tried
//
// Counting preemptions and not switches is context bounding (Musuvathi, Qadeer: "Iterative context
// bounding for systematic testing of multithreaded programs", PLDI 2007): a switch that the program
// asks for by blocking costs nothing, so that a bound of 2 covers long runs.
//
// Not varied: the length of a hold, random bytes. Where a place has more than kOutcomesMax
// outcomes, only the first, the middle one and the last of those that are not boring are tried.
#pragma once

#include <cstdint>

#include "pollux/choice.h"

namespace pollux::explore {

struct Bounds {
  unsigned preemptions = 0;
  unsigned faults = 0;
};

enum class Cost : uint8_t { free, preemption, fault };

// A place and its alternatives: a bit per thread, or per outcome. `boring` is the number of a bit
// that is not among `others`.
struct Menu {
  Actor actor = 0;
  Site site = 0;
  uint32_t ordinal = 0;
  uint8_t boring = 0;
  Cost cost = Cost::free;  // of each of the others
  uint64_t others = 0;

  friend bool operator==(const Menu&, const Menu&) = default;
};

inline constexpr uint32_t kOutcomesMax = 8;

Cost cost_of(Site);
Menu thread_menu(Actor, Site, uint32_t ordinal, uint64_t candidates, Actor boring);
Menu outcome_menu(Actor, Site, uint32_t ordinal, uint32_t n);
// The outcome that a bit of an outcome menu stands for.
uint32_t outcome_of(unsigned bit, uint32_t n);

// What a run has spent of its bounds.
class Purse {
 public:
  Purse() = default;
  explicit Purse(Bounds left) : left_(left) {}
  bool affords(Cost cost) const {
    return cost == Cost::free || (cost == Cost::fault ? left_.faults : left_.preemptions) != 0;
  }
  void spend(Cost cost) {
    if (cost == Cost::preemption) --left_.preemptions;
    if (cost == Cost::fault) --left_.faults;
  }
  const Bounds& left() const { return left_; }
  // Sites that can not deviate any more are skipped from the beginning.
  void begin(std::span<uint32_t, kSitesMax> skip) const;
  // What to answer as `skip` at this site, now.
  uint32_t skip(Site site) const { return affords(cost_of(site)) ? 0 : kNeverAsk; }

 private:
  Bounds left_;
};

}  // namespace pollux::explore

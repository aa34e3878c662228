// SPDX-License-Identifier: MIT
//
// Bounded exhaustive search: every run with at most so many preemptions and faults (bounds.h), one
// after the other.
//
//   ExhaustiveSearch search({.preemptions = 2});
//   do {
//     run(search.strategy());
//   } while (search.advance());
//
// Stateless depth-first search over the tree of choices (Godefroid: "Model checking for programming
// languages using VeriSoft", POPL 1997). A run repeats the choices that lead to a node, takes an
// alternative there that was not tried, and is boring from then on. It visits the shortest lists of
// deviations of a bound in no particular order: raise the bound from 0 to find the smallest first.
//
// With `reduce`, of the schedules that differ only in the order of steps that do not depend on each
// other not all are run, but every state in which a run of the bound can end is reached
// (reduction.h).
#pragma once

#include <memory>
#include <vector>

#include "explore/bounds.h"
#include "explore/reduction.h"
#include "pollux/choice.h"

namespace pollux::explore {

class ExhaustiveSearch final : private Strategy, private Reduction::Search {
 public:
  explicit ExhaustiveSearch(Bounds bounds, bool reduce = false);

  // Answers the choices of the next run.
  Strategy& strategy() { return *this; }

  // After a run. False when there is nothing left to try, or when `diverged`.
  bool advance();

  // The most recent run did not make the choices that the one before it had made on the way to the
  // same node: the program depends on something that is no choice. Empty, or one line.
  const std::string& diverged() const { return diverged_; }

  // Choices on the path of the most recent run, and the most on any.
  size_t depth() const { return path_.size(); }

 private:
  struct Node {
    Menu menu;
    uint8_t taken;
    uint64_t tried;   // bits, `taken` among them
    uint64_t to_try;  // bits, tried or not
  };

  void begin(std::span<uint32_t, kSitesMax> skip) override;
  Answer choose(Actor, Site, uint32_t ordinal, uint32_t n) override;
  ThreadAnswer choose_thread(Actor, Site, uint32_t ordinal, uint64_t candidates,
                             Actor boring) override;
  unsigned visit(const Menu&, uint64_t to_try);
  void also_try(size_t node, Actor thread) override;
  void note_divergence(const Menu*);

  Bounds bounds_;
  std::unique_ptr<Reduction> reduction_;  // null: everything is tried
  std::vector<Node> path_;
  size_t at_ = 0;  // nodes of the path that this run has passed
  Purse purse_;
  std::string diverged_;
};

}  // namespace pollux::explore

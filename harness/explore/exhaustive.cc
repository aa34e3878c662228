// SPDX-License-Identifier: MIT
//
// The path is the only memory of the search: for each choice on the way of the current run, what
// was tried there already. Deeper nodes are done before shallower ones, so that nothing beyond the
// path needs to be kept, and a place at which nothing else can be afforded is no node at all.
#include "explore/exhaustive.h"

#include <bit>

namespace pollux::explore {

ExhaustiveSearch::ExhaustiveSearch(Bounds bounds) : bounds_(bounds) {}

void ExhaustiveSearch::begin(std::span<uint32_t, kSitesMax> skip) {
  at_ = 0;
  purse_ = Purse(bounds_);
  purse_.begin(skip);
}

void ExhaustiveSearch::note_divergence(const Menu* menu) {
  if (!diverged_.empty()) return;
  const Menu& known = path_[at_].menu;
  Deviation was{known.actor, known.site, known.ordinal, 1};
  diverged_ = "choice " + std::to_string(at_) + " was " + to_string(was) + " of alternatives " +
              std::to_string(known.others);
  if (menu == nullptr) {
    diverged_ += ", and was not made again";
    return;
  }
  Deviation now{menu->actor, menu->site, menu->ordinal, 1};
  diverged_ += ", then " + to_string(now) + " of " + std::to_string(menu->others);
}

// Returns the bit that is taken.
unsigned ExhaustiveSearch::visit(const Menu& menu) {
  if (menu.others == 0 || !purse_.affords(menu.cost)) return menu.boring;
  if (at_ == path_.size()) {
    uint64_t boring = uint64_t{1} << menu.boring;
    path_.push_back({menu, menu.boring, boring, menu.others | boring});
  } else if (path_[at_].menu != menu) {
    note_divergence(&menu);
    return menu.boring;
  }
  unsigned taken = path_[at_++].taken;
  if (taken != menu.boring) purse_.spend(menu.cost);
  return taken;
}

Answer ExhaustiveSearch::choose(Actor actor, Site site, uint32_t ordinal, uint32_t n) {
  unsigned bit = visit(outcome_menu(actor, site, ordinal, n));
  return {outcome_of(bit, n), purse_.skip(site)};
}

ThreadAnswer ExhaustiveSearch::choose_thread(Actor actor, Site site, uint32_t ordinal,
                                             uint64_t candidates, Actor boring) {
  unsigned thread = visit(thread_menu(actor, site, ordinal, candidates, boring));
  return {static_cast<Actor>(thread), purse_.skip(site)};
}

bool ExhaustiveSearch::advance() {
  if (at_ < path_.size()) note_divergence(nullptr);
  if (!diverged_.empty()) return false;
  for (; !path_.empty(); path_.pop_back()) {
    Node& node = path_.back();
    uint64_t left = node.to_try & ~node.tried;
    if (left == 0) continue;
    node.taken = static_cast<uint8_t>(std::countr_zero(left));
    node.tried |= uint64_t{1} << node.taken;
    return true;
  }
  return false;
}

}  // namespace pollux::explore

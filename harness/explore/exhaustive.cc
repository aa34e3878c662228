// SPDX-License-Identifier: MIT
//
// The path is the only memory of the search: for each choice on the way of the current run, what
// was tried there already. Deeper nodes are done before shallower ones, so that nothing beyond the
// path needs to be kept, and a place at which nothing else can be afforded is no node at all.
#include "explore/exhaustive.h"

#include <bit>

namespace pollux::explore {

ExhaustiveSearch::ExhaustiveSearch(Bounds bounds, bool reduce) : bounds_(bounds) {
  if (reduce) reduction_.reset(new Reduction(*this));
}

void ExhaustiveSearch::begin(std::span<uint32_t, kSitesMax> skip) {
  at_ = 0;
  purse_ = Purse(bounds_);
  purse_.begin(skip);
  if (reduction_) reduction_->begin_run();
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

// Returns the bit that is taken. `to_try` is for a node that is new.
unsigned ExhaustiveSearch::visit(const Menu& menu, uint64_t to_try) {
  if (menu.others == 0 || !purse_.affords(menu.cost)) return menu.boring;
  if (at_ == path_.size()) {
    path_.push_back({menu, menu.boring, uint64_t{1} << menu.boring, to_try});
  } else if (path_[at_].menu != menu) {
    note_divergence(&menu);
    return menu.boring;
  }
  unsigned taken = path_[at_++].taken;
  if (taken != menu.boring) purse_.spend(menu.cost);
  return taken;
}

Answer ExhaustiveSearch::choose(Actor actor, Site site, uint32_t ordinal, uint32_t n) {
  Menu menu = outcome_menu(actor, site, ordinal, n);
  unsigned bit = visit(menu, menu.others);
  return {outcome_of(bit, n), purse_.skip(site)};
}

ThreadAnswer ExhaustiveSearch::choose_thread(Actor actor, Site site, uint32_t ordinal,
                                             uint64_t candidates, Actor boring) {
  Menu menu = thread_menu(actor, site, ordinal, candidates, boring);
  bool may_hold = site == site::kPoint && purse_.affords(menu.cost);
  if (reduction_ && may_hold) reduction_->look_at_due(actor);
  size_t before = at_;
  auto thread =
      static_cast<Actor>(visit(menu, reduction_ ? Reduction::always_tried(menu) : menu.others));
  if (reduction_ && at_ != before) {
    // Holding a thread up is a step of its own: it reads what is due next.
    bool held = thread == kNobody;
    bool turn = !held && (site != site::kPoint || thread != boring);
    reduction_->begin_step(before, held ? actor : thread, turn);
  }
  return {thread, purse_.skip(site)};
}

void ExhaustiveSearch::also_try(size_t node, Actor thread) {
  Node& at = path_[node];
  uint64_t all = at.menu.others | uint64_t{1} << at.menu.boring;
  uint64_t wanted = uint64_t{1} << thread;
  // Who can not run there is brought about by whoever can.
  at.to_try |= (all & wanted) != 0 ? wanted : all & ~(uint64_t{1} << kNobody);
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

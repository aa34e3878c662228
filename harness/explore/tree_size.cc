// SPDX-License-Identifier: MIT
#include "explore/tree_size.h"

#include <bit>
#include <cmath>

#include "explore/swarm.h"

namespace pollux::explore {

void TreeProbe::begin(std::span<uint32_t, kSitesMax> skip) {
  purse_ = Purse(bounds_);
  purse_.begin(skip);
  points_.seen = faults_.seen = 0;
  leaves_ = 1;
}

unsigned TreeProbe::visit(const Menu& menu) {
  if (menu.others == 0 || !purse_.affords(menu.cost)) return menu.boring;
  auto others = static_cast<uint32_t>(std::popcount(menu.others));
  if (menu.cost == Cost::free) {
    leaves_ *= others + 1.0;
    uint32_t k = random_.below(others + 1);
    return k == others ? menu.boring : nth_thread(menu.others, k);
  }
  bool fault = menu.cost == Cost::fault;
  Places& places = fault ? faults_ : points_;
  uint64_t left = fault ? purse_.left().faults : purse_.left().preemptions;
  uint64_t to_come = places.most > places.seen ? places.most - places.seen : 1;
  if (++places.seen > places.most) places.most = places.seen;
  // `left` of the left + to_come outcomes that are equally likely are deviations.
  uint64_t deviates = random_.below64(left + to_come);
  double all = static_cast<double>(left + to_come);
  if (deviates >= left) {
    leaves_ *= all / static_cast<double>(to_come);
    return menu.boring;
  }
  leaves_ *= all / static_cast<double>(left) * others;
  purse_.spend(menu.cost);
  return nth_thread(menu.others, random_.below(others));
}

Answer TreeProbe::choose(Actor actor, Site site, uint32_t ordinal, uint32_t n) {
  unsigned bit = visit(outcome_menu(actor, site, ordinal, n));
  return {outcome_of(bit, n), purse_.skip(site)};
}

ThreadAnswer TreeProbe::choose_thread(Actor actor, Site site, uint32_t ordinal, uint64_t candidates,
                                      Actor boring) {
  unsigned thread = visit(thread_menu(actor, site, ordinal, candidates, boring));
  return {static_cast<Actor>(thread), purse_.skip(site)};
}

void Estimate::add(double leaves) {
  // Welford's update.
  ++n_;
  double off = leaves - mean_;
  mean_ += off / static_cast<double>(n_);
  squares_ += off * (leaves - mean_);
}

double Estimate::error() const {
  if (n_ < 2) return 0;
  auto n = static_cast<double>(n_);
  return std::sqrt(squares_ / (n - 1) / n);
}

}  // namespace pollux::explore

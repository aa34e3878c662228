// SPDX-License-Identifier: MIT
//
// What a site is like in a run depends on (seed, site) only and is drawn when the site is first
// visited: most runs visit few of them, and a site keeps its character when others come and go.
#include "explore/swarm.h"

namespace pollux::explore {

namespace {

// What a site is like must not change when another one is added before it: the failure points are
// numbered from where they were when there were 16 sites, and sites that came later go last.
constexpr Site kFirstSites = 16;
constexpr Site stable_number(Site site) {
  if (site < kFirstSites) return site;
  if (site >= site::kFirstFault) {
    return static_cast<Site>(site - site::kFirstFault + kFirstSites);
  }
  return static_cast<Site>(kSitesMax + 1 + site);
}

}  // namespace

Swarm::Swarm(uint64_t seed, std::vector<double> fault_rates, double fault_swarm)
    : seed_(seed),
      random_(derive_seed(seed, kSitesMax)),
      fault_rates_(std::move(fault_rates)),
      fault_swarm_(fault_swarm) {}

void Swarm::begin(std::span<uint32_t, kSitesMax> skip) {
  for (unsigned i = 0; i + site::kFirstFault < kSitesMax; ++i) {
    if (i >= fault_rates_.size() || fault_rates_[i] <= 0) {
      skip[site::kFirstFault + i] = kNeverAsk;
    }
  }
}

void Swarm::draw(Site site, Draw& draw) {
  Random random(derive_seed(seed_, stable_number(site)));
  draw.done = true;
  draw.shape = static_cast<Shape>(random.below(3));
  if (site >= site::kFirstFault) {
    double rate = fault_rates_[site - site::kFirstFault];
    if (!random.chance(fault_swarm_)) return;
    double mean = 1.0 / rate - 1.0;
    draw.mean_gap = mean < 1e9 ? static_cast<uint32_t>(mean) : 1'000'000'000;
    return;
  }
  switch (site) {
    case site::kWorkload:    // the workload is there to vary
    case site::kNetLatency:  // what a network is like was asked for, it is not drawn
    case site::kNetLoss:
    case site::kNetDuplicate:
    case site::kNetReorder:
      draw.shape = Shape::uniform;
      draw.mean_gap = 0;
      return;
    case site::kPick:
      // Half of the runs pick evenly, a quarter keep the order, the rest leave it now and then.
      draw.shape = Shape::uniform;
      if (random.one_in(2)) {
        draw.mean_gap = 0;
      } else if (random.one_in(2)) {
        draw.mean_gap = random.log_uniform(1, 64);
      }
      return;
    case site::kCondSpurious:
      if (random.one_in(3)) draw.mean_gap = random.log_uniform(4, 256);
      return;
    default:
      if (random.one_in(2)) draw.mean_gap = random.log_uniform(1, 64) - 1;
      return;
  }
}

Answer Swarm::choose(Site site, uint32_t n) {
  Draw& draw = draws_[site];
  if (!draw.done) {
    this->draw(site, draw);
    uint32_t first = next_gap(draw.mean_gap);
    if (first != 0) return {0, first == kNeverAsk ? kNeverAsk : first - 1};
  }
  if (site == site::kWorkload || site == site::kNetLatency) return {random_.below(n), 0};
  if (is_one_in_n(site)) return {random_.one_in(n) ? 1u : 0u, 0};
  uint32_t outcome = 1;
  switch (draw.shape) {
    case Shape::uniform:
      outcome = 1 + random_.below(n - 1);
      break;
    case Shape::small:
      outcome = 1 + random_.below(n - 1 < 3 ? n - 1 : 3);
      break;
    case Shape::extreme:
      outcome = random_.one_in(2) ? n - 1 : 1 + random_.below(n - 1);
      break;
  }
  return {outcome, next_gap(draw.mean_gap)};
}

ThreadAnswer Swarm::pick(uint64_t candidates, Actor boring) {
  Draw& draw = draws_[site::kPick];
  if (!draw.done) {
    this->draw(site::kPick, draw);
    uint32_t first = next_gap(draw.mean_gap);
    if (first != 0) return {boring, first == kNeverAsk ? kNeverAsk : first - 1};
  }
  auto count = static_cast<unsigned>(std::popcount(candidates));
  return {nth_thread(candidates, random_.below(count)), next_gap(draw.mean_gap)};
}

}  // namespace pollux::explore

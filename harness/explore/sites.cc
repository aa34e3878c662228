// SPDX-License-Identifier: MIT
//
// The names of the places where a run chooses.
#include <string>

#include "pollux/choice.h"
#include "pollux/faults/point.h"

namespace pollux {
namespace {

constexpr std::string_view kNames[] = {
#define POLLUX_SITE(identifier, name, boring, others) name,
#include "pollux/sites.def"
#undef POLLUX_SITE
};
static_assert(std::size(kNames) == site::kFirstFault);

std::string actor_name(unsigned actor) {
  return actor < kThreadsMax ? "t" + std::to_string(actor) : "net";
}

}  // namespace

std::string_view site_name(Site site) {
  if (site < site::kFirstFault) return kNames[site];
  auto points = faults::points();
  size_t id = site - site::kFirstFault;
  return id < points.size() ? points[id].name : "?";
}

Site find_site(std::string_view name) {
  for (Site site = 0; site < site::kFirstFault; ++site) {
    if (kNames[site] == name) return site;
  }
  auto points = faults::points();
  for (size_t id = 0; id < points.size(); ++id) {
    if (points[id].name == name) return static_cast<Site>(site::kFirstFault + id);
  }
  return kSitesMax;
}

std::string to_string(const Deviation& deviation) {
  std::string text = actor_name(deviation.actor);
  text += '/';
  text += site_name(deviation.site);
  text += '#' + std::to_string(deviation.ordinal) + " = ";
  if (deviation.site == site::kPoint || deviation.site == site::kPick) {
    if (deviation.outcome - 1 == kNobody) return text + "held up";
    return text + "run " + actor_name(deviation.outcome - 1);
  }
  if (deviation.site >= site::kFirstFault && deviation.outcome == 1) return text + "yes";
  return text + std::to_string(deviation.outcome);
}

}  // namespace pollux

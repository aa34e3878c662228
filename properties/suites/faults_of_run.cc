// SPDX-License-Identifier: MIT
#include "suites/faults_of_run.h"

#include <algorithm>
#include <vector>

#include "pollux/faults/point.h"
#include "pollux/world.h"

namespace pollux::properties {
namespace {

// The gates of the points as they were when the run began. One run at a time in a process.
std::vector<uint8_t> held;

template <class Predicate>
bool any_happened(Predicate predicate) {
  std::span<const faults::Point> points = faults::points();
  for (size_t i = 0; i < points.size(); ++i)
    if (predicate(points[i]) && fault_happened(static_cast<uint16_t>(i))) return true;
  return false;
}

}  // namespace

bool a_fault_gave(int error) {
  return any_happened([error](const faults::Point& point) { return point.error == error; });
}

bool a_fault_reset() {
  return any_happened([](const faults::Point& point) {
    // An aborted connection looks like a reset to its peer.
    return point.grade != faults::Grade::lie &&
           (point.outcome == "reset" || point.outcome == "epollerr" ||
            point.outcome == "econnaborted");
  });
}

void hold_faults() {
  size_t count = faults::points().size();
  held.assign(faults::armed_points, faults::armed_points + count);
  std::fill_n(faults::armed_points, count, uint8_t{0});
}

void release_faults() { std::copy(held.begin(), held.end(), faults::armed_points); }

}  // namespace pollux::properties

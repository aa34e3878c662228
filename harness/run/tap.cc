// SPDX-License-Identifier: MIT
#include "run/tap.h"

#include <algorithm>

namespace pollux::run {

std::vector<Deviation> DeviationLog::copy() const {
  uint32_t stored = std::min(count.load(std::memory_order_relaxed), kMax);
  return {deviations, deviations + stored};
}

}  // namespace pollux::run

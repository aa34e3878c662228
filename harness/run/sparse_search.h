// SPDX-License-Identifier: MIT
//
// Guesses at shorter explanations of a failure.
//
// Removing deviations one by one gets stuck: the threads of a found run alternate a lot, each
// switch is needed for the ones after it to mean what they mean, and yet one or two of them, in an
// otherwise quiet run, would do. In the quiet run they stand a little earlier or later, because
// threads that are not disturbed take fewer turns. So a guess keeps some of the known deviations,
// often very few, and moves them.
#pragma once

#include <cstdint>
#include <vector>

#include "explore/random.h"
#include "pollux/choice.h"

namespace pollux::run {

inline bool switches_thread(const Deviation& deviation) {
  return deviation.site == site::kPoint || deviation.site == site::kPick;
}

// A fixed sequence: the same shrink takes the same way each time.
class Guesses {
 public:
  // Fewer than `most` deviations; `most` >= 2, `known` not empty.
  std::vector<Deviation> next(const std::vector<Deviation>& known, size_t most);

 private:
  uint64_t below(uint64_t n) { return random_.below64(n); }
  std::vector<Deviation> fewer(const std::vector<Deviation>& known, size_t most);
  std::vector<Deviation> very_few(const std::vector<Deviation>& known, size_t most);
  void move(Deviation&, const std::vector<Deviation>& known);
  uint32_t moved(uint32_t ordinal, uint32_t last);

  explore::Random random_{0x706F6C6C7578};
};

}  // namespace pollux::run

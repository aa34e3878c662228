// SPDX-License-Identifier: MIT
#include "run/sparse_search.h"

#include <algorithm>
#include <utility>

namespace pollux::run {
namespace {

constexpr size_t kSwitchesMost = 4;
constexpr unsigned kFarthest = 9;  // moves are of up to 2^kFarthest places

}  // namespace

uint32_t Guesses::moved(uint32_t ordinal, uint32_t last) {
  uint64_t kind = below(8);
  if (kind < 2) return ordinal;
  if (kind == 2) return static_cast<uint32_t>(below(uint64_t{last} + 1));
  uint64_t by = 1 + below(uint64_t{1} << below(kFarthest + 1));
  bool earlier = below(3) != 0;
  if (earlier) return ordinal > by ? ordinal - static_cast<uint32_t>(by) : 0;
  return ordinal + static_cast<uint32_t>(by);
}

std::vector<Deviation> Guesses::next(const std::vector<Deviation>& known, size_t most) {
  return known.size() > 1 && below(2) == 0 ? fewer(known, most) : very_few(known, most);
}

void Guesses::move(Deviation& deviation, const std::vector<Deviation>& known) {
  uint32_t last = deviation.ordinal;
  for (const Deviation& other : known) {
    if (other.actor == deviation.actor && other.site == deviation.site) {
      last = std::max(last, other.ordinal);
    }
  }
  deviation.ordinal = moved(deviation.ordinal, last);
}

// A step: some of the known ones go, and some of what is left moves to make up for it.
std::vector<Deviation> Guesses::fewer(const std::vector<Deviation>& known, size_t most) {
  std::vector<Deviation> guess = known;
  size_t dropped = 1 + below(3);
  while (guess.size() >= most || (dropped-- != 0 && guess.size() > 1)) {
    guess.erase(guess.begin() + static_cast<ptrdiff_t>(below(guess.size())));
  }
  for (uint64_t moves = below(3); moves-- != 0;) move(guess[below(guess.size())], known);
  return guess;
}

// A leap: a few switches, and all or some of what is no switch.
std::vector<Deviation> Guesses::very_few(const std::vector<Deviation>& known, size_t most) {
  std::vector<Deviation> switches, others;
  for (const Deviation& deviation : known) {
    (switches_thread(deviation) ? switches : others).push_back(deviation);
  }
  size_t count = 1;
  while (count < kSwitchesMost && below(2) == 0) ++count;
  count = std::min({count, switches.size(), most - 1});

  std::vector<Deviation> guess;
  for (size_t i = 0; i < count; ++i) {
    std::swap(switches[i], switches[i + below(switches.size() - i)]);
    guess.push_back(switches[i]);
    move(guess.back(), known);
    // Held up at one place says what many switches to and fro say.
    if (guess.back().site == site::kPoint && below(3) == 0) guess.back().outcome = 1 + kNobody;
  }
  bool all = below(2) == 0;
  for (const Deviation& other : others) {
    if (guess.size() + 1 >= most) break;
    if (all || below(2) == 0) guess.push_back(other);
  }
  return guess;
}

}  // namespace pollux::run

// SPDX-License-Identifier: MIT
#include "run/sparse_search.h"

#include <algorithm>
#include <utility>

namespace pollux::run {
namespace {

constexpr size_t kSwitchesMost = 4;
constexpr unsigned kFarthest = 9;  // moves are of up to 2^kFarthest places

bool switches_thread(const Deviation& deviation) {
  return deviation.site == site::kPoint || deviation.site == site::kPick;
}

}  // namespace

uint64_t Guesses::draw() {  // splitmix64 (Steele, Lea, Flood, OOPSLA 2014)
  uint64_t mixed = state_ += 0x9E3779B97F4A7C15ull;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ull;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBull;
  return mixed ^ (mixed >> 31);
}

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
    Deviation chosen = switches[i];
    uint32_t last = chosen.ordinal;
    for (const Deviation& other : known) {
      if (other.actor == chosen.actor && other.site == chosen.site) {
        last = std::max(last, other.ordinal);
      }
    }
    chosen.ordinal = moved(chosen.ordinal, last);
    guess.push_back(chosen);
  }
  bool all = below(2) == 0;
  for (const Deviation& other : others) {
    if (guess.size() + 1 >= most) break;
    if (all || below(2) == 0) guess.push_back(other);
  }
  return guess;
}

}  // namespace pollux::run

// SPDX-License-Identifier: MIT
#include "run/small_scope.h"

#include <utility>

namespace pollux::run {
namespace {

constexpr unsigned kWaysDown = 64;  // that may lead to known workloads only
// Offsets of the rounds: far from each other first.
constexpr uint32_t kOffsets[] = {0, 4, 2, 6, 1, 5, 3, 7};

}  // namespace

// Bold steps at first make for short ways, and where a way ends is drawn.
std::string SmallWorkloads::next(const Suite& suite, const std::string& from) {
  for (unsigned way = 0; way < kWaysDown; ++way) {
    std::string workload = from;
    for (bool down = true; down;) {
      std::vector<std::string> smaller = suite.shrinks(workload);
      if (smaller.empty()) break;
      uint32_t among = 1 + random_.below(static_cast<uint32_t>(smaller.size()));
      workload = std::move(smaller[random_.below(among)]);
      down = !random_.one_in(8);
    }
    if (workload != from && returned_.insert(workload).second) return workload;
  }
  return "";
}

void SingleHolds::next_thread() {
  if (++actor_ >= actors_) {
    actor_ = 0;
    ++round_;
  }
  ordinal_ = round_ < kStride ? kOffsets[round_] : 0;
}

std::vector<std::vector<Deviation>> SingleHolds::next(size_t most) {
  std::vector<std::vector<Deviation>> batch;
  if (ordinal_ >= points_) next_thread();
  if (round_ == kStride) return batch;
  if (round_ == 0 && ordinal_ == 0) most = 1;  // whether there is such a thread at all
  for (; batch.size() < most && (ordinal_ < points_ || batch.empty()); ordinal_ += kStride) {
    batch.push_back({{actor_, site::kPoint, ordinal_, 1 + kNobody}});
  }
  return batch;
}

void SingleHolds::last_was_skipped() {
  if (round_ == 0 && ordinal_ == kStride) actors_ = actor_;  // threads are numbered without gaps
  next_thread();
}

}  // namespace pollux::run

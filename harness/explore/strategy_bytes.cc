// SPDX-License-Identifier: MIT
//
// Choices from a string of bytes that somebody else makes up: a fuzzer that is guided by coverage.
//
// What helps such a fuzzer: most strings are runs that are mostly boring, a longer string begins as
// the shorter one does, and one byte changes one thing. So at each site a byte says either how many
// choices stay boring, or that this one does not; then more bytes say what it is. Bytes that are
// used up say nothing: all that is left is boring, without being asked.
#include <bit>

#include "explore/swarm.h"

namespace pollux {
namespace {

constexpr uint8_t kDeviates = 192;  // this and above

class BytesStrategy final : public Strategy {
 public:
  explicit BytesStrategy(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {}

  void begin(std::span<uint32_t, kSitesMax> skip) override {
    at_ = 0;
    for (uint32_t& each : skip) each = bytes_.empty() ? kNeverAsk : 0;
  }

  Answer choose(Actor, Site, uint32_t, uint32_t n) override {
    uint32_t boring = 0;
    if (!deviates(boring)) return {0, boring};
    return {1 + below(n - 1), 0};
  }

  ThreadAnswer choose_thread(Actor, Site, uint32_t, uint64_t candidates, Actor boring) override {
    uint32_t skip = 0;
    if (!deviates(skip)) return {boring, skip};
    // A thread is as likely as the next, and rarely nobody.
    const uint64_t others = candidates & ~(uint64_t{1} << kNobody) & ~(uint64_t{1} << boring);
    const auto count = static_cast<uint32_t>(std::popcount(others));
    const bool nobody = (candidates >> kNobody & 1) != 0;
    const uint32_t which = below(4 * count + nobody);
    if (which == 4 * count) return {nobody ? kNobody : boring, 0};
    return {explore::nth_thread(others, which / 4), 0};
  }

 private:
  // False: this choice is boring, and `skip` after it.
  bool deviates(uint32_t& skip) {
    if (at_ == bytes_.size()) {
      skip = kNeverAsk;
      return false;
    }
    const uint32_t byte = bytes_[at_++];
    if (byte >= kDeviates) return true;
    // One by one to 64, then further apart, to some 4000: runs have hundreds of points, or many
    // thousands.
    skip = byte < 64 ? byte : 64 + (byte - 64) * (byte - 64) / 4;
    return false;
  }

  // As many bytes as it takes, the least significant first; 0 where there are none.
  uint32_t below(uint32_t n) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 32 && n > uint64_t{1} << shift; shift += 8) {
      if (at_ != bytes_.size()) value |= uint64_t{bytes_[at_++]} << shift;
    }
    return n == 0 ? 0 : static_cast<uint32_t>(value % n);
  }

  std::vector<uint8_t> bytes_;
  size_t at_ = 0;
};

}  // namespace

std::unique_ptr<Strategy> make_bytes_strategy(std::vector<uint8_t> bytes) {
  return std::make_unique<BytesStrategy>(std::move(bytes));
}

}  // namespace pollux

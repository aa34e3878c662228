// SPDX-License-Identifier: MIT
//
// What helps a fuzzer that makes up the bytes: one byte is one deviation, most strings leave much
// as it is, and gaps are spread evenly over their orders of magnitude, since a run has ten points
// or ten thousand. A wider gap takes several bytes. The format was chosen among eight by how many
// runs libFuzzer needed for a planted bug.
#include "pollux/bytes_strategy.h"

#include <bit>

#include "explore/swarm.h"

namespace pollux {
namespace {

constexpr uint32_t kDeviates = 128;   // this byte and above
constexpr uint32_t kThreadShare = 7;  // a thread that is held up too often gets nothing done

// A floating-point number with four bits of fraction.
constexpr uint32_t gap_of(uint32_t byte) { return ((16 + byte % 16) << (byte / 16)) / 16; }
static_assert(gap_of(0) == 1 && gap_of(kDeviates - 1) == 248);

class BytesStrategy final : public Strategy {
 public:
  explicit BytesStrategy(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {}

  void begin(std::span<uint32_t, kSitesMax> skip) override {
    at_ = 0;
    for (uint32_t& each : skip) each = bytes_.empty() ? kNeverAsk : 0;
  }

  Answer choose(Actor, Site site, uint32_t, uint32_t n) override {
    uint32_t skip = 0;
    if (is_boring(skip)) return {0, skip};
    return {explore::is_one_in_n(site) ? 1 : 1 + which_of(n - 1), 0};
  }

  ThreadAnswer choose_thread(Actor, Site, uint32_t, uint64_t candidates, Actor boring) override {
    uint32_t skip = 0;
    const uint64_t others = candidates & ~(uint64_t{1} << boring);
    if (is_boring(skip) || others == 0) return {boring, skip};
    const uint64_t threads = others & ~(uint64_t{1} << kNobody);
    const uint32_t shares = kThreadShare * static_cast<uint32_t>(std::popcount(threads));
    const uint32_t which = which_of(shares + (threads != others));
    return {which == shares ? kNobody : explore::nth_thread(threads, which / kThreadShare), 0};
  }

 private:
  // Reads the first byte of an answer. True: boring, and `skip` choices after it.
  bool is_boring(uint32_t& skip) {
    if (at_ == bytes_.size()) {
      skip = kNeverAsk;
      return true;
    }
    first_ = bytes_[at_++];
    if (first_ < kDeviates) skip = gap_of(first_) - 1;
    return first_ < kDeviates;
  }

  // Below n, from the byte that said so and as many more as it takes.
  uint32_t which_of(uint32_t n) {
    uint64_t value = first_ - kDeviates;
    for (uint64_t weight = 256 - kDeviates; weight < n && at_ != bytes_.size(); weight *= 256) {
      value += weight * bytes_[at_++];
    }
    return static_cast<uint32_t>(value % n);
  }

  std::vector<uint8_t> bytes_;
  size_t at_ = 0;
  uint32_t first_ = 0;  // byte of the answer that is being read
};

}  // namespace

std::unique_ptr<Strategy> make_bytes_strategy(std::vector<uint8_t> bytes) {
  return std::make_unique<BytesStrategy>(std::move(bytes));
}

}  // namespace pollux

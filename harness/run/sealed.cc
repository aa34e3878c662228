// SPDX-License-Identifier: MIT
#include "run/sealed.h"

#include <utility>

namespace pollux::run {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kCertain = 0.949;  // one of twenty may hold
constexpr uint64_t kBoundFactor = 4;
constexpr uint64_t kBoundSlack = 1000;

class Search {
 public:
  Search(const SealedRequest& request, Runner& runner)
      : request_(request), runner_(runner), property_(property_of(request.failure)) {
    // A continuation may get lost; but what spent its bound needs all of it to do so again.
    const RunResult& failure = request.failure;
    if (failure.verdict == Verdict::step_limit || failure.verdict == Verdict::time_limit) return;
    watch_.points_max = failure.points * kBoundFactor + kBoundSlack;
    watch_.calls_max = failure.calls * kBoundFactor + kBoundSlack;
  }

  std::optional<Sealed> find();

 private:
  double share(uint64_t from, unsigned continuations);
  bool is_sealed(uint64_t from);
  bool fails(uint64_t from);
  bool out_of_time() const { return Clock::now() - start_ >= request_.budget; }

  const SealedRequest& request_;
  Runner& runner_;
  std::string property_;
  Watch watch_;
  uint64_t next_seed_ = 0;
  uint64_t runs_ = 0;
  Clock::time_point start_ = Clock::now();
};

bool Search::fails(uint64_t from) {
  Plan plan = request_.plan;
  plan.then = Redrawn{from, {next_seed_++, request_.mix}};
  RunResult run = runner_.run(plan, watch_);
  ++runs_;
  return run.verdict == request_.failure.verdict && property_of(run) == property_;
}

double Search::share(uint64_t from, unsigned continuations) {
  unsigned failed = 0;
  for (unsigned i = 0; i < continuations && !out_of_time(); ++i) failed += fails(from);
  return static_cast<double>(failed) / continuations;
}

// The same as a question, which a few runs that hold answer.
bool Search::is_sealed(uint64_t from) {
  const unsigned count = request_.continuations;
  unsigned held = 0;
  for (unsigned i = 0; i < count && !out_of_time(); ++i) {
    held += !fails(from);
    if (held > (1 - kCertain) * count) return false;
  }
  return !out_of_time();
}

// Invariant: from `low` on it is open, from `high` on it is sealed. The few continuations of the
// search may be wrong about a step; when the confirmation says so, the search goes on after it.
std::optional<Sealed> Search::find() {
  const uint64_t end = request_.failure.points + 1;
  uint64_t low = 0, high = end;
  if (!is_sealed(high)) return std::nullopt;
  if (is_sealed(low)) high = 1;
  Sealed sealed;
  sealed.tried = request_.confirmations;
  while (!out_of_time()) {
    while (high - low > 1 && !out_of_time()) {
      uint64_t middle = low + (high - low) / 2;
      (is_sealed(middle) ? high : low) = middle;
    }
    sealed.step = low;
    sealed.after = share(high, request_.confirmations);
    if (sealed.after >= kCertain || high == end) break;
    low = std::exchange(high, end);
  }
  sealed.before = share(low, request_.confirmations);
  sealed.runs = runs_;
  if (out_of_time() || sealed.after < kCertain) return std::nullopt;
  return sealed;
}

}  // namespace

std::optional<Sealed> find_sealed_step(const SealedRequest& request, Runner& runner) {
  return Search(request, runner).find();
}

}  // namespace pollux::run

// SPDX-License-Identifier: MIT
//
// Steps are drawn in one order in which they could happen, each for some job: a token is posted
// first and awaited later by another job, so no cycle can come about. Each draw is a statement of
// its own: compilers evaluate the operands of one expression in different orders.
#include "generators/jobs_generator.h"

#include <rapidcheck.h>

#include <algorithm>
#include <optional>

namespace pollux::properties {
namespace {

class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}

  Jobs jobs() {
    Jobs all;
    all.workers = 1 + below(4);
    all.monitor = below(4) == 0;
    all.jobs.resize(2 + below(4));
    blocks_.resize(all.jobs.size());
    const uint32_t steps = 2 + below(10);
    for (uint32_t i = 0; i < steps; ++i) step(all);
    // What a timer posts must be awaited.
    for (const Posted& posted : waiting_)
      if (posted.by_timer)
        all.jobs[other_than(all, posted.job)].push_back({StepKind::await, posted.token});
    return all;
  }

 private:
  struct Posted {
    uint32_t token;
    size_t job;
    bool by_timer;
  };

  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_.next() % n); }

  size_t other_than(const Jobs& all, size_t job) {
    const size_t other = below(static_cast<uint32_t>(all.jobs.size()) - 1);
    return other + (other >= job);
  }

  uint32_t duration() {
    constexpr uint32_t kMicros[] = {1, 10, 30, 100, 1000, 11'000, 25'000};
    return kMicros[below(std::size(kMicros))];
  }

  void step(Jobs& all) {
    const uint32_t what = below(12);
    const size_t job = below(static_cast<uint32_t>(all.jobs.size()));
    if (what < 5 && !waiting_.empty()) return wait(all);
    if (what < 9) {
      const bool by_timer = below(6) == 0;
      all.jobs[job].push_back({by_timer ? StepKind::timer : StepKind::post, tokens_});
      waiting_.push_back({tokens_++, job, by_timer});
      return;
    }
    constexpr StepKind kAlone[] = {StepKind::sleep, StepKind::deadline, StepKind::hold,
                                   StepKind::yield};
    Step step{kAlone[below(std::size(kAlone))], 0};
    if (step.kind != StepKind::yield) step.argument = duration();
    all.jobs[job].push_back(step);
  }

  void wait(Jobs& all) {
    const size_t which = below(static_cast<uint32_t>(waiting_.size()));
    const Posted posted = waiting_[which];
    waiting_.erase(waiting_.begin() + static_cast<ptrdiff_t>(which));
    const size_t job = other_than(all, posted.job);
    const auto blocking = static_cast<uint32_t>(std::count(blocks_.begin(), blocks_.end(), true));
    StepKind kind = StepKind::await;
    const uint32_t way = below(4);
    if (way == 0 && (all.monitor || blocking == 0)) {
      kind = StepKind::read;
      reads_ = true;
    }
    if (way >= 2 && (all.monitor || !reads_) && (blocks_[job] || blocking + 1 < all.workers)) {
      kind = StepKind::block;
      blocks_[job] = true;
    }
    all.jobs[job].push_back({kind, posted.token});
  }

  rc::Random random_;
  std::vector<bool> blocks_;     // jobs that have a step which keeps the worker
  bool reads_ = false;           // some job reads
  std::vector<Posted> waiting_;  // posted, not awaited yet
  uint32_t tokens_ = 0;
};

std::optional<uint32_t> token_of(const Step& step) {
  if (argument_of(step.kind) != StepArgument::token) return {};
  return step.argument;
}

}  // namespace

Jobs jobs_of_seed(uint64_t seed) { return Draw(seed).jobs(); }

std::vector<Jobs> smaller_jobs(const Jobs& jobs) {
  std::vector<Jobs> smaller;
  auto add = [&](Jobs each) {
    if (check_rules(each).empty() && !(each == jobs)) smaller.push_back(std::move(each));
  };
  // Without a job, and without what waits for it or what it waits for.
  for (size_t i = 0; i < jobs.jobs.size(); ++i) {
    Jobs fewer = jobs;
    fewer.jobs.erase(fewer.jobs.begin() + static_cast<ptrdiff_t>(i));
    for (const Step& gone : jobs.jobs[i]) {
      for (Job& job : fewer.jobs) {
        std::erase_if(job, [&](const Step& step) {
          return token_of(gone) && token_of(step) == token_of(gone);
        });
      }
    }
    add(std::move(fewer));
  }
  // Without a token, or without a step that has none.
  for (uint32_t token = 0; token < kTokensMax; ++token) {
    Jobs fewer = jobs;
    for (Job& job : fewer.jobs)
      std::erase_if(job, [&](const Step& step) { return token_of(step) == token; });
    add(std::move(fewer));
  }
  for (size_t i = 0; i < jobs.jobs.size(); ++i) {
    for (size_t j = 0; j < jobs.jobs[i].size(); ++j) {
      if (token_of(jobs.jobs[i][j])) continue;
      Jobs fewer = jobs;
      fewer.jobs[i].erase(fewer.jobs[i].begin() + static_cast<ptrdiff_t>(j));
      add(std::move(fewer));
    }
  }
  Jobs plain = jobs;
  plain.monitor = false;
  add(plain);
  for (uint32_t workers = 1; workers < jobs.workers; ++workers) {
    plain = jobs;
    plain.workers = workers;
    add(plain);
  }
  for (size_t i = 0; i < jobs.jobs.size(); ++i) {
    for (size_t j = 0; j < jobs.jobs[i].size(); ++j) {
      if (argument_of(jobs.jobs[i][j].kind) != StepArgument::duration) continue;
      plain = jobs;
      plain.jobs[i][j].argument = 1;
      add(plain);
    }
  }
  return smaller;
}

}  // namespace pollux::properties

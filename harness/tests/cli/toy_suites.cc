// SPDX-License-Identifier: MIT
//
// Toy suites, one per way in which a run can end.
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "pollux/suite.h"
#include "toy_subject.h"

namespace {

using pollux::World;

enum class Kind {
  good,      // holds on every schedule
  lost,      // a signal that may come too early: deadlock
  count,     // a lost update: violation
  crash,     // a lost update: abort
  race,      // two plain accesses that nothing orders: data-race, when one is looked for
  leaky,     // made twice: holds, or loses memory, which is only looked for on request
  drifting,  // carries state from one run to the next: not deterministic
  stuck,     // seed 3 never ends and never makes a call
  eating,    // nor does it here, and takes more and more memory
  hoarding,  // each run keeps 8 MiB for ever
};

constexpr std::string_view kPrefix = "rounds ";

// Not in the function: the first run of a process would have a point at its guard.
std::vector<std::string> hoard;

int rounds_of(const std::string& workload) {
  int rounds = 0;
  const char* end = workload.data() + workload.size();
  if (!workload.starts_with(kPrefix)) return 0;
  auto [at, error] = std::from_chars(workload.data() + kPrefix.size(), end, rounds);
  return error == std::errc() && at == end ? rounds : 0;
}

std::string workload_of(int rounds) { return std::string(kPrefix) + std::to_string(rounds); }

class ToySuite final : public pollux::Suite {
 public:
  ToySuite(std::string_view name, Kind kind) : name_(name), kind_(kind) { register_suite(this); }

  std::string_view name() const override { return name_; }
  std::string_view description() const override { return "two threads hand over items"; }
  std::string workload(uint64_t seed) const override {
    if (kind_ == Kind::stuck || kind_ == Kind::eating) return workload_of(seed == 3 ? 1000 : 1);
    return workload_of(static_cast<int>(1 + seed % 40));
  }
  std::string validate(const std::string& workload) const override {
    int rounds = rounds_of(workload);
    return rounds >= 1 && rounds <= 10'000
               ? ""
               : "'" + workload + "' is not 'rounds N' with N from 1 to 10000";
  }
  std::vector<std::string> shrinks(const std::string& workload) const override {
    int rounds = rounds_of(workload);
    std::vector<std::string> smaller;
    for (int fewer : {1, rounds / 2, rounds - 1}) {
      if (fewer >= 1 && fewer < rounds) smaller.push_back(workload_of(fewer));
    }
    // Each is a shrink of the other, as happens with generated workloads.
    if (rounds == 1) smaller.push_back(workload == workload_of(1) ? "rounds 01" : workload_of(1));
    return smaller;
  }
  std::string describe(const std::string& workload) const override {
    return std::to_string(rounds_of(workload)) + " items from a producer to a consumer";
  }
  bool planted() const override { return kind_ != Kind::good; }

  void populate(const std::string& workload, World& world) const override {
    std::shared_ptr<ToyBox> box(toy_new(), toy_delete);
    int rounds = rounds_of(workload);
    if (kind_ == Kind::good || kind_ == Kind::lost) {
      bool careless = kind_ == Kind::lost;
      world.add_thread("producer", 0, [=] { toy_produce(box.get(), rounds, careless); });
      world.add_thread("consumer", 0, [=] { toy_consume(box.get(), rounds); });
      return;
    }
    if (kind_ == Kind::race) {
      world.add_thread("left", 0, [=] { toy_bump_left(box.get()); });
      world.add_thread("right", 0, [=] { toy_bump_right(box.get()); });
      return;
    }
    if (kind_ == Kind::leaky) {
      for (const char* name : {"left", "right"})
        world.add_thread(name, 0, [box] { toy_keep(box.get()); });
      return;
    }
    auto finished = std::make_shared<int>(0);
    for (const char* name : {"left", "right"}) {
      world.add_thread(name, 0, [this, box, rounds, finished] {
        toy_add(box.get(), rounds, kind_ == Kind::count || kind_ == Kind::crash);
        if (++*finished == 2) judge(toy_count(box.get()), 2 * rounds);
      });
    }
  }

 private:
  void judge(int count, int expected) const {
    static int runs = 0;
    if (kind_ == Kind::drifting) pollux::note(static_cast<uint64_t>(++runs));
    if (kind_ == Kind::stuck && expected == 2000) {
      for (;;) asm volatile("");
    }
    if (kind_ == Kind::eating && expected == 2000) {
      for (std::vector<std::string> eaten;;) eaten.emplace_back(1 << 16, 'x');
    }
    if (kind_ == Kind::hoarding) hoard.emplace_back(8 << 20, 'x');
    if (count == expected) return;
    if (kind_ == Kind::crash) {
      std::fprintf(stderr, "toy: %d counted, %d expected\n", count, expected);
      std::abort();
    }
    pollux::fail("count",
                 std::to_string(count) + " counted, " + std::to_string(expected) + " expected");
  }

  std::string_view name_;
  Kind kind_;
};

const ToySuite good("toy", Kind::good), lost("toy-lost", Kind::lost),
    count("toy-count", Kind::count), crash("toy-crash", Kind::crash), race("toy-race", Kind::race),
    leaky("toy-leaky", Kind::leaky), drifting("toy-drifting", Kind::drifting),
    stuck("toy-stuck", Kind::stuck), eating("toy-eating", Kind::eating),
    hoarding("toy-hoarding", Kind::hoarding);

}  // namespace

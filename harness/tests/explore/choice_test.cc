// SPDX-License-Identifier: MIT
#include "pollux/choice.h"

#include <gtest/gtest.h>

#include <cmath>

#include "explore/random.h"
#include "pollux/faults/point.h"

namespace pollux {
namespace {

// Answers from a list, then boring for ever.
class Scripted final : public Strategy {
 public:
  explicit Scripted(std::vector<Answer> answers) : answers_(std::move(answers)) {}
  void begin(std::span<uint32_t, kSitesMax>) override {}
  Answer choose(Actor, Site, uint32_t ordinal, uint32_t) override {
    asked.push_back(ordinal);
    if (asked.size() > answers_.size()) return {0, kNeverAsk};
    return answers_[asked.size() - 1];
  }
  ThreadAnswer choose_thread(Actor, Site, uint32_t ordinal, uint64_t candidates, Actor) override {
    asked.push_back(ordinal);
    return {static_cast<Actor>(std::countr_zero(candidates)), 1};
  }
  std::vector<uint32_t> asked;

 private:
  std::vector<Answer> answers_;
};

TEST(ChoicesTest, SkipsAreNotAskedAndOrdinalsCountThem) {
  Scripted strategy({{2, 3}, {0, kNeverAsk}});
  Choices choices;
  choices.begin(strategy);
  std::vector<uint32_t> outcomes;
  for (int i = 0; i < 7; ++i) outcomes.push_back(choices.choose(site::kNetDelay, 5));
  EXPECT_EQ(outcomes, (std::vector<uint32_t>{2, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(strategy.asked, (std::vector<uint32_t>{0, 4}));
  ASSERT_EQ(choices.deviations().size(), 1u);
  EXPECT_EQ(choices.deviations()[0], (Deviation{0, site::kNetDelay, 0, 2}));
}

TEST(ChoicesTest, OneOutcomeIsNoChoice) {
  Scripted strategy({{1, 0}});
  Choices choices;
  choices.begin(strategy);
  EXPECT_EQ(choices.choose(site::kRandom, 1), 0u);
  EXPECT_TRUE(strategy.asked.empty());
}

TEST(ChoicesTest, OrdinalsArePerActorAndBeginAgainWithEachRun) {
  Scripted strategy({});
  Choices choices;
  choices.begin(strategy);
  for (Actor actor : {Actor{3}, kNetwork, Actor{63}}) {
    choices.set_actor(actor);
    choices.choose(site::kRandom, 2);
  }
  Scripted again({{1, 0}, {1, 0}, {1, 0}});
  choices.begin(again);
  for (Actor actor : {Actor{3}, kNetwork, Actor{63}}) {
    choices.set_actor(actor);
    choices.choose(site::kRandom, 2);
  }
  EXPECT_EQ(again.asked, (std::vector<uint32_t>{0, 0, 0}));
}

TEST(ChoicesTest, ThreadDeviationsNameTheThread) {
  Scripted strategy({});
  Choices choices;
  choices.begin(strategy);
  choices.set_actor(2);
  EXPECT_EQ(choices.choose_thread(site::kPoint, 0, 2), 2);  // nobody else: not asked
  EXPECT_EQ(choices.choose_thread(site::kPoint, 0b10011, 2), 0);
  ASSERT_EQ(choices.deviations().size(), 1u);
  EXPECT_EQ(choices.deviations()[0], (Deviation{2, site::kPoint, 1, 1}));
  EXPECT_EQ(to_string(choices.deviations()[0]), "t2/point#1 = run t0");
}

TEST(SitesTest, NamesAreFoundAgain) {
  EXPECT_EQ(site_name(site::kPoint), "point");
  EXPECT_EQ(find_site("net/delay"), site::kNetDelay);
  EXPECT_EQ(find_site("no/such/site"), kSitesMax);
  auto points = faults::points();
  ASSERT_FALSE(points.empty());
  ASSERT_LE(site::kFirstFault + points.size(), kSitesMax);
  for (size_t id = 0; id < points.size(); ++id) {
    auto site = static_cast<Site>(site::kFirstFault + id);
    EXPECT_EQ(site_name(site), points[id].name);
    EXPECT_EQ(find_site(points[id].name), site);
  }
  Deviation fault{0, site::kFirstFault, 3, 1};
  EXPECT_EQ(to_string(fault), "t0/" + std::string(points[0].name) + "#3 = yes");
  EXPECT_EQ(to_string({kNetwork, site::kNetDelay, 3, 9}), "net/net/delay#3 = 9");
}

// Share of non-boring answers among `count` choices, over many seeds.
double share(const std::function<std::unique_ptr<Strategy>(uint64_t)>& make, Site site, uint32_t n,
             int seeds, int count) {
  int deviations = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    auto strategy = make(static_cast<uint64_t>(seed));
    Choices choices;
    choices.begin(*strategy);
    for (int i = 0; i < count; ++i) {
      uint32_t outcome = choices.choose(site, n);
      EXPECT_LT(outcome, n);
      deviations += outcome != 0;
    }
  }
  return static_cast<double>(deviations) / seeds / count;
}

TEST(RandomStrategyTest, FaultsFollowTheirRates) {
  std::vector<double> rates = {0.0, 0.25, 1.0, 0.01};
  auto all = [&](uint64_t seed) { return make_random_strategy(seed, rates, 1.0); };
  auto half = [&](uint64_t seed) { return make_random_strategy(seed, rates, 0.5); };
  auto site = [](unsigned i) { return static_cast<Site>(site::kFirstFault + i); };
  EXPECT_EQ(share(all, site(0), 2, 100, 100), 0.0);
  EXPECT_NEAR(share(all, site(1), 2, 400, 200), 0.25, 0.05);
  EXPECT_EQ(share(all, site(2), 2, 100, 100), 1.0);
  EXPECT_NEAR(share(all, site(3), 2, 400, 2000), 0.01, 0.002);
  EXPECT_EQ(share(all, site(4), 2, 100, 100), 0.0) << "a point without a rate never fails";
  EXPECT_NEAR(share(half, site(2), 2, 1000, 10), 0.5, 0.08);
}

TEST(RandomStrategyTest, WorkloadsAreEven) {
  auto make = [&](uint64_t seed) { return make_random_strategy(seed, {}, 1.0); };
  EXPECT_NEAR(share(make, site::kWorkload, 4, 100, 100), 0.75, 0.03);
}

TEST(RandomStrategyTest, BurstsDifferBetweenRuns) {
  double least = 1, most = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    auto strategy = make_random_strategy(seed, {}, 1.0);
    Choices choices;
    choices.begin(*strategy);
    int switches = 0;
    for (int i = 0; i < 20'000; ++i) switches += choices.choose_thread(site::kPoint, 0b10, 0) != 0;
    double rate = switches / 20'000.0;
    least = std::min(least, rate);
    most = std::max(most, rate);
  }
  EXPECT_LT(least, 0.005);
  EXPECT_GT(most, 0.3);
}

TEST(PctStrategyTest, PrioritiesHoldBetweenChanges) {
  auto strategy = make_pct_strategy(5, 3, 100, {}, 1.0);
  Choices choices;
  choices.begin(*strategy);
  Actor running = 0;
  int switches = 0;
  for (int i = 0; i < 1000; ++i) {
    Actor next = choices.choose_thread(site::kPoint, 0b111 & ~(1u << running), running);
    switches += next != running;
    running = next;
    choices.set_actor(next);
  }
  EXPECT_LE(switches, 3);  // the first choice and two changes
}

TEST(ReplayStrategyTest, SkipsWhatCanNotHappen) {
  auto strategy = make_replay_strategy({{0, site::kNetDelay, 1, 9},   // out of range
                                        {0, site::kNetDelay, 3, 2},   // happens
                                        {1, site::kPoint, 0, 64},     // not runnable
                                        {9, site::kPoint, 0, 1},      // never reached
                                        {200, site::kPoint, 0, 1}});  // no such actor
  Choices choices;
  choices.begin(*strategy);
  std::vector<uint32_t> outcomes;
  for (int i = 0; i < 5; ++i) outcomes.push_back(choices.choose(site::kNetDelay, 4));
  EXPECT_EQ(outcomes, (std::vector<uint32_t>{0, 0, 0, 2, 0}));
  choices.set_actor(1);
  EXPECT_EQ(choices.choose_thread(site::kPoint, 0b1, 1), 1);
}

TEST(RandomTest, GapsHaveTheirMean) {
  explore::Random random(3);
  for (uint32_t mean : {1u, 10u, 1000u}) {
    double sum = 0;
    constexpr int kDraws = 200'000;
    for (int i = 0; i < kDraws; ++i) sum += random.gap(mean);
    // Rounded down, and off by the linear logarithm: within a tenth and a half.
    EXPECT_NEAR(sum / kDraws, mean, 0.5 + 0.1 * mean);
  }
  EXPECT_EQ(random.gap(0), 0u);
}

TEST(RandomTest, LogUniformCoversItsRange) {
  explore::Random random(4);
  int low = 0, high = 0;
  for (int i = 0; i < 10'000; ++i) {
    uint32_t value = random.log_uniform(2, 500);
    ASSERT_GE(value, 2u);
    ASSERT_LE(value, 500u);
    low += value < 31;  // about the geometric mean
    high += value > 250;
  }
  EXPECT_NEAR(low, 5000, 600);
  EXPECT_NEAR(high, 1250, 300);
}

}  // namespace
}  // namespace pollux

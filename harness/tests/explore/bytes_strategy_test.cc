// SPDX-License-Identifier: MIT
//
// What each byte says (pollux/bytes_strategy.h), without a run: the test asks as a run would.
#include "pollux/bytes_strategy.h"

#include <gtest/gtest.h>

#include <map>

namespace pollux {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr Site kSite = site::kEpollOrder;

// A strategy whose run has begun, and what that made it skip.
struct Begun {
  explicit Begun(Bytes bytes) : strategy(make_bytes_strategy(std::move(bytes))) { begin(); }
  void begin() { strategy->begin(std::span<uint32_t, kSitesMax>(skip)); }
  Answer choose(uint32_t n, Site site = kSite) { return strategy->choose(0, site, 0, n); }
  Actor thread(uint64_t candidates, Actor boring) {
    return strategy->choose_thread(boring, site::kPoint, 0, candidates, boring).thread;
  }

  std::unique_ptr<Strategy> strategy;
  uint32_t skip[kSitesMax] = {};
};

TEST(BytesStrategyTest, WithoutBytesNothingIsAsked) {
  Begun begun({});
  for (uint32_t skip : begun.skip) EXPECT_EQ(skip, kNeverAsk);
}

TEST(BytesStrategyTest, EachSiteIsAskedForItsFirstChoice) {
  Begun begun({0});
  for (uint32_t skip : begun.skip) EXPECT_EQ(skip, 0u);
}

TEST(BytesStrategyTest, BytesThatAreUsedUpAreBoringForEver) {
  Begun begun({128});
  EXPECT_EQ(begun.choose(2).outcome, 1u);
  for (int i = 0; i < 3; ++i) {
    const Answer answer = begun.choose(2);
    EXPECT_EQ(answer.outcome, 0u);
    EXPECT_EQ(answer.skip, kNeverAsk);
    EXPECT_EQ(begun.thread(0b110, 0), 0);
  }
}

TEST(BytesStrategyTest, ASmallByteSaysHowLongItStaysBoring) {
  const std::map<uint8_t, uint32_t> skips = {{0, 0},   {15, 0},  {16, 1},    {23, 1},   {24, 2},
                                             {32, 3},  {36, 4},  {48, 7},    {50, 8},   {64, 15},
                                             {65, 16}, {80, 31}, {112, 127}, {127, 247}};
  for (auto [byte, skip] : skips) {
    const Answer answer = Begun({byte}).choose(2);
    EXPECT_EQ(answer.outcome, 0u) << int{byte};
    EXPECT_EQ(answer.skip, skip) << int{byte};
  }
}

TEST(BytesStrategyTest, OneByteNamesOneOfUpTo128Others) {
  for (uint32_t n : {2u, 3u, 40u, 129u}) {
    for (unsigned byte = 128; byte < 256; ++byte) {
      const Answer answer = Begun({static_cast<uint8_t>(byte), 255}).choose(n);
      EXPECT_EQ(answer.outcome, 1 + (byte - 128) % (n - 1));
      EXPECT_EQ(answer.skip, 0u);
    }
  }
}

TEST(BytesStrategyTest, OfMoreOthersFurtherBytesBelongToTheNumber) {
  Begun begun({128 + 5, 3, 128 + 5, 3, 2, 128 + 5});
  EXPECT_EQ(begun.choose(1'000).outcome, 1u + 5 + 128 * 3);
  EXPECT_EQ(begun.choose(1'000'000).outcome, 1u + 5 + 128 * 3 + 128 * 256 * 2);
  EXPECT_EQ(begun.choose(1'000'000).outcome, 1u + 5);  // used up in the middle of it
}

TEST(BytesStrategyTest, AnyBytesAreAnOutcomeThatThereIs) {
  for (uint32_t n : {2u, 3u, 129u, 130u, 1000u, 40'000u, UINT32_MAX}) {
    Begun begun(Bytes(100, 255));
    for (int i = 0; i < 100; ++i) ASSERT_LT(begun.choose(n).outcome, n);
  }
}

TEST(BytesStrategyTest, OneInSoManyTakesOneByteAndHasOneOutcome) {
  Begun begun({200, 255, 128});
  EXPECT_EQ(begun.choose(100'000, site::kNetLoss).outcome, 1u);
  EXPECT_EQ(begun.choose(100'000, site::kNetLoss).outcome, 1u);
  EXPECT_EQ(begun.choose(100'000, site::kNetReorder).outcome, 1u);
}

TEST(BytesStrategyTest, ThreadsCountSevenfoldFromTheLowestAndThenNobodyOnce) {
  constexpr uint64_t kTwoAndNobody = 0b1010 | uint64_t{1} << kNobody;
  const std::map<uint8_t, Actor> threads = {
      {128, 1},      {128 + 6, 1}, {128 + 7, 3},        {128 + 13, 3},
      {128 + 15, 1}, {255, 3},     {128 + 14, kNobody}, {127, 0}};
  for (auto [byte, thread] : threads) {
    EXPECT_EQ(Begun({byte}).thread(kTwoAndNobody, 0), thread) << int{byte};
  }
  EXPECT_EQ(Begun({128 + 14}).thread(0b1010, 0), 1);  // where nobody is no candidate
}

TEST(BytesStrategyTest, WhereTheThreadCanNotGoOnTheNextInTurnIsBoring) {
  Begun begun({0, 128, 128 + 7});
  EXPECT_EQ(begun.thread(0b1110, 2), 2);
  EXPECT_EQ(begun.thread(0b1110, 2), 1);
  EXPECT_EQ(begun.thread(0b1110, 2), 3);
  EXPECT_EQ(Begun({128}).thread(0b0100, 2), 2);  // there is no other
}

TEST(BytesStrategyTest, ASecondRunReadsFromTheBeginning) {
  Begun begun({129, 128});
  EXPECT_EQ(begun.choose(3).outcome, 2u);
  begun.begin();
  EXPECT_EQ(begun.choose(3).outcome, 2u);
  EXPECT_EQ(begun.choose(3).outcome, 1u);
}

}  // namespace
}  // namespace pollux

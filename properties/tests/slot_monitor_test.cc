// SPDX-License-Identifier: MIT
//
// The complete table of transitions of a park slot: each of the 4 x 4 x 2 writes, allowed or not.
#include "models/slot_monitor.h"

#include <gtest/gtest.h>

namespace pollux::properties {
namespace {

using enum Slot;

TEST(SlotTableTest, AllowsExactlyTheTransitionsOfTheProtocol) {
  struct Row {
    Slot from, to;
    bool exchange, store;
  };
  constexpr Row kTable[] = {
      {nil, nil, true, true},         {nil, ready, true, false},     {nil, wait, true, false},
      {nil, parked, false, false},    {ready, nil, true, true},      {ready, ready, false, false},
      {ready, wait, false, false},    {ready, parked, false, false}, {wait, nil, true, false},
      {wait, ready, true, false},     {wait, wait, false, false},    {wait, parked, true, false},
      {parked, nil, true, false},     {parked, ready, true, false},  {parked, wait, false, false},
      {parked, parked, false, false},
  };
  for (const Row& row : kTable) {
    EXPECT_EQ(allowed(row.from, row.to, false), row.exchange)
        << to_string(row.from) << " -> " << to_string(row.to);
    EXPECT_EQ(allowed(row.from, row.to, true), row.store)
        << to_string(row.from) << " -> " << to_string(row.to) << " by store";
  }
}

TEST(SlotTableTest, ClassifiesWords) {
  EXPECT_EQ(classify_slot(0), nil);
  EXPECT_EQ(classify_slot(1), ready);
  EXPECT_EQ(classify_slot(2), wait);
  EXPECT_EQ(classify_slot(0x7f00'1234'5678), parked);
}

class SlotRegionTest : public testing::Test {
 protected:
  static constexpr SlotRegion kRegion = {
      .base = 0x1000, .stride = 128, .count = 4, .reader_offset = 0, .writer_offset = 8};

  static AtomicAccess write(uintptr_t address, uint64_t before, uint64_t after, bool is_store) {
    return {
        .address = address, .before = before, .after = after, .is_store = is_store, .thread = 0};
  }
};

TEST_F(SlotRegionTest, LooksAtSlotsOnly) {
  EXPECT_TRUE(breaks_table(kRegion, write(0x1000, 2, 1, true)));
  EXPECT_TRUE(breaks_table(kRegion, write(0x1008, 2, 1, true)));
  EXPECT_TRUE(breaks_table(kRegion, write(0x1000 + 3 * 128 + 8, 0, 0xdead0, false)));
  EXPECT_FALSE(breaks_table(kRegion, write(0x1010, 2, 1, true)));            // another word
  EXPECT_FALSE(breaks_table(kRegion, write(0x1000 + 4 * 128, 2, 1, true)));  // behind the end
  EXPECT_FALSE(breaks_table(kRegion, write(0x0ff8, 2, 1, true)));            // in front of it
}

TEST_F(SlotRegionTest, SaysWhichSlotAndWhatHappened) {
  EXPECT_EQ(describe_transition(kRegion, write(0x1000 + 2 * 128 + 8, 2, 1, true)),
            "poll descriptor 2, writer slot: WAIT -> READY by a plain store is not a transition of "
            "the protocol");
}

}  // namespace
}  // namespace pollux::properties

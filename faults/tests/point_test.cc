// SPDX-License-Identifier: MIT
#include <fiu-control.h>
#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <vector>

#include "pollux/faults/catalogue.h"

namespace pollux::faults {
namespace {

std::vector<PointId> decided;
bool decision = true;

bool record(PointId id) {
  decided.push_back(id);
  return decision;
}

class PointTest : public testing::Test {
 protected:
  PointTest() {
    decided.clear();
    decision = true;
    set_decider(record);
  }
  ~PointTest() override {
    set_decider(nullptr);
    disarm_all();
  }
};

TEST_F(PointTest, UnarmedPointAsksNobody) {
  arm({});
  EXPECT_FALSE(fails(k_posix_io_rw_read_eagain));
  EXPECT_TRUE(decided.empty());
}

TEST_F(PointTest, EachArmedPointReachesTheDeciderUnderItsOwnName) {
  std::vector<PointId> all(kPointCount);
  std::iota(all.begin(), all.end(), PointId{0});
  arm(all);
  for (PointId id : all) EXPECT_TRUE(fails(id)) << points()[id].name;
  EXPECT_EQ(decided, all);
}

TEST_F(PointTest, TheDecidersNoIsNo) {
  arm(std::array{k_posix_io_fd_emfile});
  decision = false;
  EXPECT_FALSE(fails(k_posix_io_fd_emfile));
  EXPECT_EQ(decided.size(), 1u);
}

TEST_F(PointTest, ArmingAnotherSetDisarmsTheFirst) {
  arm(std::array{k_posix_io_rw_read_eagain});
  arm(std::array{k_posix_io_rw_write_eagain});
  EXPECT_FALSE(fails(k_posix_io_rw_read_eagain));
  EXPECT_TRUE(fails(k_posix_io_rw_write_eagain));
  arm(std::array{k_posix_io_rw_read_eagain});
  EXPECT_TRUE(fails(k_posix_io_rw_read_eagain));
}

TEST_F(PointTest, ArmedWithoutADeciderNeverFails) {
  set_decider(nullptr);
  arm(std::array{k_posix_io_rw_read_eagain});
  EXPECT_FALSE(fails(k_posix_io_rw_read_eagain));
}

TEST_F(PointTest, PointsEnabledByHandFailUnderManualControlOnly) {
  const char* name = points()[k_posix_io_rw_read_short].name.data();
  arm_for_manual_control();
  EXPECT_TRUE(manual_control);
  EXPECT_FALSE(fails(k_posix_io_rw_read_short));
  ASSERT_EQ(fiu_enable(name, 1, nullptr, 0), 0);
  EXPECT_TRUE(fails(k_posix_io_rw_read_short));
  EXPECT_FALSE(fails(k_posix_io_rw_read_eagain));
  disarm_all();
  EXPECT_FALSE(manual_control);
  EXPECT_FALSE(fails(k_posix_io_rw_read_short));
  fiu_disable(name);
  EXPECT_TRUE(decided.empty());
}

TEST_F(PointTest, WildcardsEnabledByHandReachTheirPoints) {
  arm_for_manual_control();
  ASSERT_EQ(fiu_enable("posix/io/net/*", 1, nullptr, 0), 0);
  EXPECT_TRUE(fails(k_posix_io_net_accept4_econnaborted));
  EXPECT_FALSE(fails(k_posix_io_rw_read_eagain));
  fiu_disable("posix/io/net/*");
  EXPECT_FALSE(fails(k_posix_io_net_accept4_econnaborted));
}

TEST_F(PointTest, ManualControlTakesBackWhatARunHadEnabled) {
  arm(std::array{k_posix_io_rw_read_eagain});
  EXPECT_TRUE(fails(k_posix_io_rw_read_eagain));
  arm_for_manual_control();
  EXPECT_FALSE(fails(k_posix_io_rw_read_eagain));
  arm(std::array{k_posix_io_rw_read_eagain});
  EXPECT_TRUE(fails(k_posix_io_rw_read_eagain));
}

TEST(PointDeathTest, ArmingAPointThatDoesNotExistAborts) {
  EXPECT_DEATH(arm(std::array{static_cast<PointId>(kPointCount)}), "no such point");
}

}  // namespace
}  // namespace pollux::faults

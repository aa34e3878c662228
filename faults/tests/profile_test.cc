// SPDX-License-Identifier: MIT
#include "pollux/faults/profile.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "pollux/faults/catalogue.h"

namespace pollux::faults {
namespace {

Profile load(std::string_view name) {
  auto loaded = load_profile(name);
  auto* error = std::get_if<ProfileError>(&loaded);
  EXPECT_EQ(error, nullptr) << error->message;
  return error == nullptr ? std::get<Profile>(loaded) : Profile{};
}

Profile parse(std::string_view text) {
  auto parsed = parse_profile(text, "dir/p.toml");
  auto* error = std::get_if<ProfileError>(&parsed);
  EXPECT_EQ(error, nullptr) << error->message;
  return error == nullptr ? std::get<Profile>(parsed) : Profile{};
}

std::string complaint(std::string_view text) {
  auto parsed = parse_profile(text, "p.toml");
  auto* error = std::get_if<ProfileError>(&parsed);
  return error == nullptr ? "" : error->message;
}

std::set<Grade> grades(const Profile& profile) {
  std::set<Grade> result;
  for (const ProfileFault& fault : profile.faults) result.insert(points()[fault.point].grade);
  return result;
}

std::set<std::string_view> outcomes(const Profile& profile) {
  std::set<std::string_view> result;
  for (const ProfileFault& fault : profile.faults) result.insert(points()[fault.point].outcome);
  return result;
}

TEST(ProfileTest, EachBuiltInLoadsUnderItsName) {
  EXPECT_GE(built_in_profiles().size(), 10u);
  for (std::string_view name : built_in_profiles()) {
    Profile profile = load(name);
    EXPECT_EQ(profile.name, name);
    EXPECT_FALSE(profile.description.empty()) << name;
    for (const ProfileFault& fault : profile.faults) {
      EXPECT_TRUE(fault.rate > 0 && fault.rate <= 1) << name;
    }
  }
}

TEST(ProfileTest, BuiltInsHoldTheGradesThatTheyPromise) {
  using enum Grade;
  EXPECT_TRUE(load("calm").faults.empty());
  EXPECT_EQ(grades(load("legal")), std::set{legal});
  EXPECT_EQ(grades(load("documented")), (std::set{legal, documented}));
  EXPECT_EQ(grades(load("hostile")), (std::set{legal, documented}));
  EXPECT_EQ(grades(load("transparent")), std::set{legal});
  EXPECT_FALSE(outcomes(load("transparent")).count("reset"));
  EXPECT_FALSE(outcomes(load("transparent")).count("epollerr"));
  EXPECT_FALSE(outcomes(load("transparent")).count("emfile"));
  EXPECT_EQ(grades(load("no-emfile")), std::set{legal});
  EXPECT_FALSE(outcomes(load("no-emfile")).count("emfile"));
  EXPECT_EQ(grades(load("lies")), std::set{lie});
  EXPECT_EQ(grades(load("eagain-lie")), std::set{lie});
  for (std::string_view mission : {"eagain", "econnaborted", "eintr", "epollerr"}) {
    EXPECT_EQ(outcomes(load(mission)), std::set{mission});
    EXPECT_FALSE(grades(load(mission)).count(lie)) << mission;
  }
}

TEST(ProfileTest, WholeGradesAreWhole) {
  size_t legal = 0;
  for (const Point& point : points()) legal += point.grade == Grade::legal;
  EXPECT_EQ(load("legal").faults.size(), legal);
}

TEST(ProfileTest, ABaseSaysWhatTheFileDoesNot) {
  const Profile legal = load("legal");
  const Profile profile = parse(
      "description = \"d\"\nbase = \"legal\"\n[grades]\ndocumented = 0.25\n[faults]\n"
      "\"posix/io/fd/emfile\" = 0\n\"posix/io/rw/read/short\" = 0.5\n");
  EXPECT_EQ(profile.swarm, legal.swarm);
  auto rate = [](const Profile& of, PointId point) {
    for (const ProfileFault& fault : of.faults) {
      if (fault.point == point) return fault.rate;
    }
    return 0.0;
  };
  EXPECT_EQ(rate(profile, k_posix_io_fd_emfile), 0);
  EXPECT_EQ(rate(profile, k_posix_io_rw_read_short), 0.5);
  EXPECT_EQ(rate(profile, k_posix_io_rw_read_eintr), 0.25);
  EXPECT_EQ(rate(profile, k_posix_io_net_accept4_reset), rate(legal, k_posix_io_net_accept4_reset));
  EXPECT_EQ(parse("description = \"d\"\nbase = \"legal\"\n[grades]\nlegal = 0\n").faults.size(),
            0U);
}

TEST(ProfileTest, APointsOwnRateOverridesItsGrades) {
  Profile profile = parse(
      "description = \"d\"\nswarm = 0.5\n[grades]\nlegal = 0.25\n[faults]\n"
      "\"posix/io/fd/emfile\" = 1\n\"posix/io/rw/read/short\" = 0\n");
  EXPECT_EQ(profile.name, "p");
  EXPECT_EQ(profile.description, "d");
  EXPECT_EQ(profile.swarm, 0.5);
  for (const ProfileFault& fault : profile.faults) {
    EXPECT_NE(fault.point, k_posix_io_rw_read_short);
    EXPECT_EQ(fault.rate, fault.point == k_posix_io_fd_emfile ? 1.0 : 0.25);
  }
}

TEST(ProfileTest, FilesAreReadByPath) {
  std::string path = testing::TempDir() + "mine.toml";
  std::ofstream(path) << "[faults]\n\"posix/io/fd/emfile\" = 0.5\n";
  Profile profile = load(path);
  EXPECT_EQ(profile.name, "mine");
  ASSERT_EQ(profile.faults.size(), 1u);
  EXPECT_EQ(profile.faults[0].point, k_posix_io_fd_emfile);
  std::remove(path.c_str());
  auto missing = load_profile("/nowhere/x.toml");
  EXPECT_EQ(std::get<ProfileError>(missing).message,
            "/nowhere/x.toml: can not be read, or is empty");
}

TEST(ProfileTest, MistakesAreNamedWithTheirLineAndTheNearestRightWord) {
  EXPECT_EQ(complaint("\n\"swam\" = 1\n"),
            "p.toml:2: unknown key \"swam\", did you mean \"swarm\"?");
  EXPECT_EQ(complaint("[faults]\n\"posix/io/rw/read/eagian\" = 0.1\n"),
            "p.toml:2: unknown failure point \"posix/io/rw/read/eagian\", did you mean "
            "\"posix/io/rw/read/eagain\"?");
  EXPECT_EQ(complaint("base = \"leagl\"\n"),
            "p.toml:1: unknown profile \"leagl\", did you mean \"legal\"?");
  EXPECT_EQ(complaint("base = 1\n"), "p.toml:1: \"base\" must be the name of a built-in profile");
  EXPECT_EQ(complaint("[grades]\nlies = 0.1\n"),
            "p.toml:2: unknown grade \"lies\", did you mean \"lie\"?");
  EXPECT_EQ(complaint("[faults]\n\"posix/io/fd/emfile\" = 1.5\n"),
            "p.toml:2: \"posix/io/fd/emfile\" must be a share between 0 and 1");
  EXPECT_EQ(complaint("[faults]\n\"posix/io/fd/emfile\" = nan\n"),
            "p.toml:2: \"posix/io/fd/emfile\" must be a share between 0 and 1");
  EXPECT_EQ(complaint("[faults]\n\"posix/io/fd/emfile\" = \"often\"\n"),
            "p.toml:2: \"posix/io/fd/emfile\" must be a share between 0 and 1");
  EXPECT_EQ(complaint("swarm = 0\n"), "p.toml:1: \"swarm\" must be above 0: calm has no faults");
  EXPECT_EQ(complaint("faults = 3\n"), "p.toml:1: \"faults\" must be a table");
  EXPECT_EQ(complaint("description = 3\n"), "p.toml:1: \"description\" must be a text");
  std::string broken = complaint("swarm = \n");
  EXPECT_EQ(broken.rfind("p.toml:1: ", 0), 0u) << broken;
  EXPECT_EQ(broken.find('\n'), broken.npos) << broken;
  auto unknown = load_profile("legl");
  EXPECT_EQ(std::get<ProfileError>(unknown).message,
            "unknown profile \"legl\", did you mean \"legal\"? (a file must end in .toml)");
}

}  // namespace
}  // namespace pollux::faults

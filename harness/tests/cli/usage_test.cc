// SPDX-License-Identifier: MIT
//
// Wrong input: exit code 2 and one line that says what, where, and what would be right.
#include <algorithm>

#include "command_line.h"

namespace pollux::testing {
namespace {

struct Case {
  std::vector<std::string> arguments;
  std::string part;  // of the message
};

class UsageTest : public CommandTest {
 protected:
  void expect(const Case& test) {
    Ended ended = pollux(test.arguments);
    std::string line;
    for (const std::string& argument : test.arguments) line += argument + " ";
    EXPECT_EQ(ended.code, 2) << line << "\n" << ended.out << ended.err;
    EXPECT_EQ(ended.out, "") << line;
    EXPECT_TRUE(ended.err.starts_with("pollux: ")) << line << ended.err;
    EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << line << ended.err;
    EXPECT_NE(ended.err.find(test.part), std::string::npos) << line << ended.err;
  }
};

TEST_F(UsageTest, WrongNamesAreAnsweredWithTheNearestOne) {
  for (const Case& test : std::vector<Case>{
           {{"rnu"}, "did you mean 'run'?"},
           {{"run", "tyo"}, "did you mean 'toy'?"},
           {{"run", "toy", "--sedes", "0..3"}, "did you mean '--seeds'?"},
           {{"run", "toy", "--profile", "legla"}, "legal"},
           {{"run", "toy", "--strategy", "rnd"}, "use random, pct:DEPTH"},
           {{"run", "toy", "--set", "point_max=1"}, "did you mean 'points_max'?"},
           {{"replay", "--tiems", "3"}, "did you mean '--times'?"},
           {{"help", "rnu"}, "did you mean 'run'?"},
       }) {
    expect(test);
  }
}

TEST_F(UsageTest, WrongValuesAreAnsweredWithWhatWouldBeRight) {
  for (const Case& test : std::vector<Case>{
           {{"run", "toy", "--seeds", "9..3"}, "0..1000"},
           {{"run", "toy", "--seeds", "3..3"}, "not including B"},
           {{"run", "toy", "--seed", "-1"}, "whole number below 2^64"},
           {{"run", "toy", "--seed", "18446744073709551615"}, "2^64 - 2"},
           {{"run", "toy", "--jobs", "0"}, "from 1 to"},
           {{"run", "toy", "--for", "30"}, "30s"},
           {{"run", "toy", "--shard", "3/2"}, "K/N"},
           {{"run", "toy", "--set", "points_max"}, "NAME=NUMBER"},
           {{"replay", "x", "--times", "none"}, "--times 'none'"},
       }) {
    expect(test);
  }
}

TEST_F(UsageTest, ConflictsAndRepeatsAreRefused) {
  for (const Case& test : std::vector<Case>{
           {{"run", "toy", "--seed", "1", "--seeds", "0..3"}, "excludes"},
           {{"run", "toy", "--seed", "1", "--seed", "2"}, "given twice"},
           {{"run", "toy", "--seed=1", "--seed", "2"}, "given twice"},
           {{"run", "toy", "--audit", "--audit"}, "given twice"},
           {{"run", "toy", "--set", "fd_limit=64", "--set", "fd_limit=65"}, "given twice"},
           {{"run", "toy", "--seed"}, "--seed"},
           {{"run", "toy", "extra"}, "unexpected argument 'extra'"},
           {{"run", "toy", "--", "ls"}, "takes no program"},
           {{"run"}, "which suite?"},
           {{"run", "exec"}, "unknown suite 'exec'"},
           {{"exec"}, "which program?"},
           {{"exec", "--", "/no/such/program"}, "no program '/no/such/program'"},
           {{"exec", "--", "/etc/passwd"}, "no program"},
           {{"trace", "toy"}, "--seed N"},
           {{"trace"}, "which token"},
           {{"replay"}, "which token?"},
           {{"shrink"}, "which token?"},
           {{"explain"}, "which token?"},
           {{"seeds", "--db", "none.sqlite"}, "none.sqlite"},
           {{"compare", "nothing"}, "no comparison 'nothing'"},
       }) {
    expect(test);
  }
}

TEST_F(UsageTest, DamagedAndForeignTokensAreRefused) {
  std::string token = token_of(pollux({"run", "toy-count", "--seeds", "0..100"}));
  ASSERT_GT(token.size(), 60u);
  std::string flipped = token, bad = token, foreign = token;
  flipped[40] = flipped[40] == 'A' ? 'B' : 'A';
  bad[40] = '+';
  foreign.replace(0, 7, "pollux9");
  for (const Case& test : std::vector<Case>{
           {{"replay", ""}, "which token?"},
           {{"replay", "nonsense"}, "neither a token"},
           {{"replay", "none.token"}, "neither a token"},
           {{"replay", token.substr(0, token.size() - 1)}, "cut off"},
           {{"replay", token.substr(0, 50)}, "cut off"},
           {{"replay", token + "0"}, "damaged"},
           {{"replay", flipped}, "checksum"},
           {{"replay", bad}, "damaged at character 41"},
           {{"replay", foreign}, "has format 'pollux9'"},
           {{"shrink", flipped}, "checksum"},
           {{"explain", flipped}, "checksum"},
           {{"trace", flipped}, "checksum"},
       }) {
    expect(test);
  }
}

TEST_F(UsageTest, HelpIsOneScreenWithExamplesFirst) {
  Ended ended = pollux({"--help"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_LE(std::count(ended.out.begin(), ended.out.end(), '\n'), 40);
  EXPECT_LT(ended.out.find("Examples:"), ended.out.find("Commands:"));
  for (const char* command : {"run", "exec", "replay", "shrink", "explain", "trace", "compare",
                              "faults", "seeds", "doctor"}) {
    EXPECT_NE(ended.out.find(std::string("\n  ") + command), std::string::npos) << command;
    Ended help = pollux({command, "--help"});
    EXPECT_EQ(help.code, 0) << command;
    EXPECT_TRUE(help.out.starts_with(std::string("pollux ") + command)) << help.out;
    EXPECT_LE(std::count(help.out.begin(), help.out.end(), '\n'), 40) << command;
  }
  EXPECT_EQ(pollux({}).code, 2);
  EXPECT_EQ(pollux({"--version"}).code, 0);
}

TEST_F(UsageTest, FaultsAndDoctorAnswer) {
  Ended faults = pollux({"faults"});
  EXPECT_EQ(faults.code, 0);
  EXPECT_NE(faults.out.find("econnaborted"), std::string::npos) << faults.out;
  Ended legal = pollux({"faults", "--profile", "legal"});
  EXPECT_EQ(legal.code, 0);
  EXPECT_NE(legal.out.find("rate "), std::string::npos) << legal.out;
  Ended doctor = pollux({"doctor"});
  EXPECT_EQ(doctor.code, 0);
  EXPECT_NE(doctor.out.find("libfiu"), std::string::npos) << doctor.out;
  EXPECT_EQ(pollux({"compare"}).code, 4);
}

}  // namespace
}  // namespace pollux::testing

// SPDX-License-Identifier: MIT
//
// `pollux explore` as its users meet it.
#include <nlohmann/json.hpp>

#include "command_line.h"

namespace pollux::testing {
namespace {

class Explore : public CommandTest {};

std::vector<std::string> explore(const std::string& suite, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"explore", suite, "--workload", "rounds 1"});
  return more;
}

TEST_F(Explore, SaysThatABoundIsCovered) {
  Ended ended = pollux(explore("toy"));
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_EQ(last_line(ended.out), "complete: no violation within the bound");
}

TEST_F(Explore, ConvictsWithATokenThatReplays) {
  for (const char* suite : {"toy-lost", "toy-count", "toy-crash"}) {
    Ended ended = pollux(explore(suite));
    EXPECT_EQ(ended.code, 1) << suite << ended.out << ended.err;
    Ended again = pollux({"replay", token_of(ended)});
    EXPECT_EQ(again.code, 1) << suite << again.out;
    EXPECT_EQ(token_of(again), token_of(ended));
  }
}

TEST_F(Explore, TheFirstFailureHasTheFewestPreemptions) {
  Ended ended = pollux(explore("toy-count", {"--preemptions", "3"}));
  EXPECT_NE(ended.out.find("1 deviation (1 switch)"), std::string::npos) << ended.out;
  EXPECT_EQ(pollux(explore("toy-count", {"--preemptions", "0"})).code, 0);
}

TEST_F(Explore, SaysWhatTheReductionLeft) {
  auto summary = [](std::vector<std::string> more) {
    more.push_back("--json");
    return nlohmann::json::parse(last_line(pollux(explore("toy", more)).out));
  };
  auto runs = [](const nlohmann::json& json) {
    return std::stoul(std::string(json["levels"].back()["runs"]));
  };
  nlohmann::json all = summary({"--no-reduction"}), reduced = summary({});
  EXPECT_EQ(all["bound_runs"], runs(all));
  EXPECT_EQ(reduced["bound_runs"], runs(all));
  EXPECT_EQ(reduced["bound_runs_error"], 0);
  EXPECT_LT(runs(reduced), runs(all));
}

TEST_F(Explore, SaysWhenTimeIsUp) {
  Ended ended = pollux(
      {"explore", "toy", "--workload", "rounds 200", "--preemptions", "9", "--budget", "200ms"});
  EXPECT_EQ(ended.code, 6) << ended.out << ended.err;
  EXPECT_NE(ended.out.find("estimate"), std::string::npos) << ended.out;
}

TEST_F(Explore, SaysWhenRunsCanNotBeRepeated) {
  EXPECT_EQ(pollux(explore("toy-drifting")).code, 3);
}

TEST_F(Explore, SpeaksJson) {
  Ended ended = pollux(explore("toy-count", {"--json"}));
  EXPECT_EQ(ended.code, 1);
  auto last = nlohmann::json::parse(last_line(ended.out));
  EXPECT_EQ(last["event"], "summary");
  EXPECT_EQ(last["complete"], false);
  EXPECT_EQ(last["exit_code"], 1);
  EXPECT_EQ(last["levels"][0]["complete"], true);
}

TEST_F(Explore, RefusesWhatIsNoRequest) {
  EXPECT_EQ(pollux({"explore"}).code, 2);
  EXPECT_EQ(pollux({"explore", "toys"}).code, 2);
  EXPECT_EQ(pollux(explore("toy", {"--preemptions", "many"})).code, 2);
  EXPECT_EQ(pollux({"explore", "toy", "--workload", "rounds 0"}).code, 2);
}

}  // namespace
}  // namespace pollux::testing

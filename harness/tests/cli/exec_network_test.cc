// SPDX-License-Identifier: MIT
//
// `pollux exec --network`: a server as it is, its clients at the end of bad links.
#include <unistd.h>

#include <fstream>

#include "command_line.h"

namespace pollux::testing {
namespace {

class ExecNetworkTest : public CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    ::setenv("POLLUX_LIBRARY", POLLUX_PRELOAD, 1);
    std::ofstream("hello.txt") << "patience 1m\n"
                                  "send \"hello\\#\"\n"
                                  "expect \"hello\\#\"\n"
                                  "sleep 100ms\n"
                                  "send \"again\"\n"
                                  "half-close\n"
                                  "expect \"again\"\n"
                                  "closed\n";
  }
  static Ended exec(const std::string& network, const std::vector<std::string>& flags) {
    std::ofstream("lan.toml") << "[[host]]\nname = \"server\"\n"
                                 "[[host]]\nname = \"near\"\n[[host]]\nname = \"far\"\n"
                              << network;
    std::vector<std::string> arguments = {"exec", "--network", "lan.toml", "--client",
                                          "127.0.0.1:7000=hello.txt*2"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    arguments.insert(arguments.end(), {"--", EXEC_SERVER, ""});
    return pollux(arguments);
  }
};

constexpr const char* kBadLinks =
    "[default]\nlatency = \"3ms\"\n"
    "[[link]]\nbetween = [\"server\", \"far\"]\nlatency = "
    "{ uniform = [\"20ms\", \"90ms\"] }\nloss = 0.2\n"
    "[[rule]]\npartition = [\"server\", \"near\"]\nat = \"50ms\"\nuntil = \"2s\"\n";

TEST_F(ExecNetworkTest, ClientsAreHostsOfTheNetwork) {
  // The far client goes down before its SYN gets to the server, and begins anew.
  Ended ended =
      exec(std::string(kBadLinks) + "[[rule]]\ncrash = \"far\"\nat = \"5ms\"\nuntil = \"10ms\"\n",
           {"--seeds", "0..20", "--audit"});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_NE(ended.out.find("exec: 20 seeds: 20 held"), std::string::npos) << ended.out;
}

TEST_F(ExecNetworkTest, AServerThatWaitsForADeadClientIsConvicted) {
  // It serves one after the other, and reads without a deadline: who comes back finds it waiting
  // for who was there before.
  Ended ended = exec(
      std::string(kBadLinks) + "[[rule]]\ncrash = \"far\"\nat = \"300ms\"\nuntil = \"500ms\"\n",
      {"--seeds", "0..20"});
  EXPECT_EQ(ended.code, 1) << ended.out << ended.err;
  EXPECT_NE(ended.out.find("client 1 of 2 waited for 60000 ms"), std::string::npos) << ended.out;
  size_t token = ended.out.rfind("pollux1.");
  ASSERT_NE(token, std::string::npos);
  // The token holds the network.
  ::unlink("lan.toml");
  Ended again = pollux({"replay", ended.out.substr(token, ended.out.find('\n', token) - token)});
  EXPECT_EQ(again.code, 1) << again.out << again.err;
}

TEST_F(ExecNetworkTest, AClientThatIsGoneForGoodIsNotWaitedFor) {
  Ended ended = exec("[[rule]]\ncrash = \"near\"\n[[rule]]\ncrash = \"far\"\nat = \"1ms\"\n",
                     {"--seeds", "0..20", "--audit"});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
}

TEST_F(ExecNetworkTest, WhatIsWrongIsOneLine) {
  auto expect = [](const Ended& ended, const std::string& line) {
    EXPECT_EQ(ended.code, 2) << ended.out << ended.err;
    EXPECT_NE(ended.err.find(line), std::string::npos) << ended.err;
  };
  expect(exec("[[rule]]\ncrash = \"server\"\n", {}),
         "host \"server\", the first one, is the program's: it can not crash, only its clients' "
         "hosts can");
  expect(exec("[[rule]]\ncrash = \"fra\"\n", {}),
         "--network: lan.toml:8: no [[host]] has the name \"fra\": did you mean 'far'?");
}

}  // namespace
}  // namespace pollux::testing

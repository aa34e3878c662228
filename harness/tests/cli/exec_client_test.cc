// SPDX-License-Identifier: MIT
//
// `pollux exec --client`: scripts against a server as it is, and against servers with a flaw.
#include <filesystem>
#include <fstream>
#include <regex>

#include "command_line.h"

namespace pollux::testing {
namespace {

class ExecClientTest : public CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    ::setenv("POLLUX_LIBRARY", POLLUX_PRELOAD, 1);
    write("hello.txt",
          "send \"hello\\#\"\n"
          "expect \"hello\\#\"\n"
          "sleep 1ms\n"
          "send \"again\"\n"
          "half-close\n"
          "expect \"again\"\n"
          "closed\n"
          "connect\n"
          "send \"bye\"\n"
          "until \"y\"\n");
  }

  static void write(const std::string& file, const std::string& text) {
    std::ofstream(file) << text;
  }

  static Ended exec(const std::vector<std::string>& flags, const std::string& flaw = "",
                    const std::string& client = "127.0.0.1:7000=hello.txt*3") {
    std::vector<std::string> arguments = {"exec", "--client", client};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    arguments.insert(arguments.end(), {"--", EXEC_SERVER, flaw});
    return pollux(arguments);
  }

  static void expect_reason(const Ended& ended, const std::string& reason) {
    EXPECT_EQ(ended.code, 1) << ended.out << ended.err;
    EXPECT_NE(ended.out.find("reason:   " + reason), std::string::npos) << ended.out << ended.err;
  }
};

TEST_F(ExecClientTest, ARunEndsWhenAllScriptsAreDone) {
  Ended ended = exec({"--seed", "3"});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_NE(ended.err.find("pollux: seed 3 verdict held"), std::string::npos) << ended.err;
  EXPECT_EQ(exec({"--seed", "3"}).err, ended.err);
}

TEST_F(ExecClientTest, ASweepHoldsAndIsTheSameTwice) {
  Ended ended = exec({"--seeds", "0..40", "--audit"});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_NE(ended.out.find("exec: 40 seeds: 40 held"), std::string::npos) << ended.out;
}

TEST_F(ExecClientTest, AConnectionMayBeLostToAFault) {
  Ended ended = exec({"--seeds", "0..60", "--audit", "--profile", "epollerr"});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
}

TEST_F(ExecClientTest, OtherBytesAreAViolationThatReplaysWithoutTheScript) {
  Ended ended = exec({"--seed", "0"}, "shouts");
  EXPECT_EQ(ended.code, 1);
  std::smatch match;
  ASSERT_TRUE(std::regex_search(
      ended.out, match,
      std::regex("reason:   (hello.txt:2): client ([012]) of 3 expected \"hello([012])\", "
                 "came \"HELLO([012])\"")))
      << ended.out << ended.err;
  EXPECT_EQ(match[2], match[3]);
  EXPECT_EQ(match[2], match[4]);

  std::filesystem::remove("hello.txt");
  std::string token = token_of(ended);
  Ended replayed = pollux({"replay", token, "--times", "3"});
  EXPECT_NE(replayed.out.find("3 of 3 runs: verdict violation"), std::string::npos)
      << replayed.out << replayed.err;
  Ended shrunk = pollux({"shrink", token});
  // The line breaks where the program's path lets it.
  EXPECT_TRUE(std::regex_search(shrunk.out, std::regex("1 client\\s+plays")))
      << shrunk.out << shrunk.err;
}

TEST_F(ExecClientTest, AnEndWhereBytesWereExpectedIsAViolation) {
  // In some runs: where a segment was split the end comes earlier, with a reset.
  Ended ended = exec({"--seeds", "0..20"}, "hangs-up", "127.0.0.1:7000=hello.txt");
  EXPECT_EQ(ended.code, 1) << ended.out << ended.err;
  EXPECT_NE(
      ended.out.find("violation: hello.txt:6: the client expected \"again\", nothing came, and "
                     "the connection was closed by the server"),
      std::string::npos)
      << ended.out << ended.err;
}

TEST_F(ExecClientTest, BytesWhereTheEndWasExpectedAreAViolation) {
  write("rude.txt", "send \"x\"\nclosed\n");
  expect_reason(exec({}, "", "127.0.0.1:7000=rude.txt"),
                "rude.txt:2: the client expected the end of the connection, came \"x\"");
}

TEST_F(ExecClientTest, ASilentServerIsADeadlock) {
  Ended ended = exec({}, "mute", "127.0.0.1:7000=hello.txt");
  expect_reason(ended,
                "hello.txt:2: the client waited for 60000 ms: expected \"hello0\", "
                "nothing came and nothing more; main waits for io");
  EXPECT_NE(ended.err.find("verdict deadlock"), std::string::npos) << ended.err;
}

TEST_F(ExecClientTest, AServerThatSleepsOverItsInputIsALostWakeUp) {
  write("one.txt", "patience 500ms\nsend \"a\"\nexpect \"a\"\n");
  Ended ended = exec({"--profile", "calm"}, "misses", "127.0.0.1:7000=one.txt");
  EXPECT_NE(ended.out.find("one.txt:3: the client waited for 500 ms"), std::string::npos)
      << ended.out << ended.err;
}

TEST_F(ExecClientTest, AProgramThatLeavesItsClientsIsAViolation) {
  write("stays.txt", "send \"x\"\nexpect \"x\"\nclose\nconnect\nsend \"y\"\nexpect \"y\"\n");
  expect_reason(exec({}, "leaves", "127.0.0.1:7000=stays.txt"),
                "stays.txt:4: the program ended and left the client behind");
  write("done.txt", "send \"x\"\nexpect \"x\"\nhalf-close\nclosed\n");
  EXPECT_EQ(exec({}, "leaves", "127.0.0.1:7000=done.txt").code, 0);
}

TEST_F(ExecClientTest, NobodyListens) {
  Ended ended = exec({}, "", "127.0.0.1:7001=hello.txt");
  expect_reason(ended,
                "hello.txt:1: the client waited for 60000 ms: nobody listens at "
                "127.0.0.1:7001; ");
}

// Whatever the plan takes: a run that is written down in another way is the same run.
TEST_F(ExecClientTest, TheProgramsHeapDoesNotHangOnThePlan) {
  write("short.txt", "sleep 1us\n");
  write("long.txt", "sleep 1us\n" + std::string(10'000, '#') + "\n");
  auto heap = [](const std::string& script) {
    Ended ended = pollux(
        {"exec", "--client", "127.0.0.1:7000=" + script, "--", EXEC_PROGRAM, "heap address"});
    size_t at = ended.out.find("heap 0x");
    EXPECT_NE(at, std::string::npos) << ended.out << ended.err;
    return ended.out.substr(at, ended.out.find('\n', at) - at);
  };
  EXPECT_EQ(heap("short.txt"), heap("long.txt"));
}

TEST_F(ExecClientTest, BadUse) {
  write("bad.txt", "send \"x\"\nexpec \"x\"\n");
  write("empty.txt", "");
  auto error = [](const std::string& client) {
    Ended ended = exec({}, "", client);
    EXPECT_EQ(ended.code, 2) << client << ended.out;
    return ended.err;
  };
  EXPECT_NE(error("127.0.0.1:7000=bad.txt").find("bad.txt:2: 'expec': there is no such step"),
            std::string::npos);
  EXPECT_NE(error("127.0.0.1:7000=none.txt").find("'none.txt' can not be read"), std::string::npos);
  EXPECT_NE(error("127.0.0.1:7000=empty.txt").find("empty"), std::string::npos);
  EXPECT_NE(error("127.0.0.1:7000").find("use ADDRESS=FILE"), std::string::npos);
  EXPECT_NE(error("8.8.8.8:7000=hello.txt").find("use an address of the program's host"),
            std::string::npos);
  EXPECT_NE(error("127.0.0.1:0=hello.txt").find("use an address"), std::string::npos);
  EXPECT_NE(error("127.0.0.1:7000=hello.txt*33").find("from 1 to 32"), std::string::npos);
  EXPECT_NE(error("127.0.0.1:7000=hello.txt*").find("from 1 to 32"), std::string::npos);
}

}  // namespace
}  // namespace pollux::testing

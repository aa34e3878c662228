// SPDX-License-Identifier: MIT
//
// Debian's memcached and redis-server as they are, under `pollux exec` with the example scripts.
#include <unistd.h>

#include "command_line.h"

namespace pollux::testing {
namespace {

class ExecPackageTest : public CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    ::setenv("POLLUX_LIBRARY", POLLUX_PRELOAD, 1);
  }

  static void holds(const std::string& package, const std::string& client,
                    const std::vector<std::string>& program,
                    const std::vector<std::string>& flags = {}) {
    if (::access(("/usr/bin/" + program[0]).c_str(), X_OK) != 0)
      GTEST_SKIP() << program[0] << " is not installed: apt-get install " << package;
    std::vector<std::string> arguments = {"exec", "--seeds", "0..20", "--client", client};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    arguments.push_back("--");
    arguments.insert(arguments.end(), program.begin(), program.end());
    Ended ended = pollux(arguments);
    EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
    EXPECT_NE(ended.out.find("exec: 20 seeds: 20 held"), std::string::npos) << ended.out;
  }
};

TEST_F(ExecPackageTest, Memcached) {
  holds("memcached", "127.0.0.1:11211=" EXEC_EXAMPLES "/clients/kv.txt*4",
        {"memcached", "-t", "4", "-U", "0", "-u", "root"}, {"--audit"});
}

// Not audited: redis reads its process number and its memory use, which are the real ones, and one
// run in about forty differs by it.
TEST_F(ExecPackageTest, Redis) {
  holds("redis-server", "127.0.0.1:6379=" EXEC_EXAMPLES "/clients/redis.txt*4",
        {"redis-server", "--save", "", "--io-threads", "4"});
}

}  // namespace
}  // namespace pollux::testing

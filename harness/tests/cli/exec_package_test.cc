// SPDX-License-Identifier: MIT
//
// Debian's memcached and redis-server as they are, with the example scripts, and the examples on
// Debian's libuv, libevent and Python, under `pollux exec`. ci/nightly runs more seeds.
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

  // Audited, every seed runs twice: a hash that differs is exit code 3.
  static void holds(const std::vector<std::string>& client,
                    const std::vector<std::string>& program) {
    std::vector<std::string> arguments = {"exec",    "--seeds",   "0..20",
                                          "--audit", "--profile", "no-emfile"};
    arguments.insert(arguments.end(), client.begin(), client.end());
    arguments.push_back("--");
    arguments.insert(arguments.end(), program.begin(), program.end());
    Ended ended = pollux(arguments);
    EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
    EXPECT_NE(ended.out.find("exec: 20 seeds: 20 held"), std::string::npos) << ended.out;
  }

  static bool is_installed(const std::string& program) {
    return ::access(("/usr/bin/" + program).c_str(), X_OK) == 0;
  }
};

TEST_F(ExecPackageTest, Memcached) {
  if (!is_installed("memcached")) GTEST_SKIP() << "no memcached: apt-get install memcached";
  holds({"--client", "127.0.0.1:11211=" EXEC_EXAMPLES "/clients/kv.txt*4"},
        {"memcached", "-t", "4", "-U", "0", "-u", "root"});
}

TEST_F(ExecPackageTest, Redis) {
  if (!is_installed("redis-server")) GTEST_SKIP() << "no redis: apt-get install redis-server";
  holds({"--client", "127.0.0.1:6379=" EXEC_EXAMPLES "/clients/redis.txt*4"},
        {"redis-server", "--save", "", "--io-threads", "4"});
}

TEST_F(ExecPackageTest, Asyncio) {
  if (!is_installed("python3")) GTEST_SKIP() << "no Python: apt-get install python3";
  holds({}, {"/usr/bin/python3", EXEC_EXAMPLES "/aio_echo.py"});
}

TEST_F(ExecPackageTest, Libuv) {
#ifdef EXEC_UV_ECHO
  holds({}, {EXEC_UV_ECHO});
#else
  GTEST_SKIP() << "built without libuv: apt-get install libuv1-dev";
#endif
}

TEST_F(ExecPackageTest, Libevent) {
#ifdef EXEC_EVENT_ECHO
  holds({}, {EXEC_EVENT_ECHO});
#else
  GTEST_SKIP() << "built without libevent: apt-get install libevent-dev";
#endif
}

}  // namespace
}  // namespace pollux::testing

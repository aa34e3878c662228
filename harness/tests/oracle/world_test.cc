// SPDX-License-Identifier: MIT
//
// World joins the explorer and the twin: two hosts talk TCP on virtual threads, the same choices
// give the same run, and what was chosen can be replayed.

#include "pollux/world.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>
#include <string>

namespace pollux {
namespace {

sockaddr_in address(const char* ip, uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  inet_pton(AF_INET, ip, &to.sin_addr);
  return to;
}

void serve_upper_case() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in at = address("0.0.0.0", 7);
  EXPECT_EQ(bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  EXPECT_EQ(listen(listener, 8), 0);
  const int conn = accept(listener, nullptr, nullptr);
  char buffer[64];
  for (ssize_t n; (n = read(conn, buffer, sizeof buffer)) > 0;) {
    for (ssize_t i = 0; i < n; ++i) buffer[i] = static_cast<char>(toupper(buffer[i]));
    EXPECT_EQ(write(conn, buffer, static_cast<size_t>(n)), n);
  }
  close(conn);
  close(listener);
}

void ask(std::string* answer) {
  int conn = -1;
  const sockaddr_in to = address("10.0.0.1", 7);
  for (;;) {  // the server may not listen yet
    conn = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(conn, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) break;
    close(conn);
    usleep(1000);
  }
  EXPECT_EQ(write(conn, "hello", 5), 5);
  EXPECT_EQ(shutdown(conn, SHUT_WR), 0);
  char buffer[64];
  for (ssize_t n; (n = read(conn, buffer, sizeof buffer)) > 0;) {
    answer->append(buffer, static_cast<size_t>(n));
  }
  close(conn);
}

RunResult two_hosts(Strategy& strategy, std::string* answer, bool trace = false) {
  RunOptions options;
  options.strategy = &strategy;
  options.trace = trace;
  World world(options);
  world.add_thread("server", 0, serve_upper_case);
  world.add_thread("client", 1, [answer] { ask(answer); });
  return world.run();
}

TEST(World, TwoHostsTalkWithoutTheRealNetwork) {
  const std::unique_ptr<Strategy> boring = make_replay_strategy({});
  std::string answer;
  const RunResult result = two_hosts(*boring, &answer, true);
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason << "\n" << result.details;
  EXPECT_EQ(answer, "HELLO");
  EXPECT_TRUE(result.deviations.empty());
  EXPECT_GT(result.virtual_ns, 0);
  EXPECT_FALSE(result.trace.empty());
}

TEST(World, SameSeedSameRunOtherSeedOtherRun) {
  std::set<uint64_t> hashes;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    RunResult results[2];
    for (RunResult& result : results) {
      const std::unique_ptr<Strategy> strategy = make_random_strategy(seed, {}, 1.0);
      std::string answer;
      result = two_hosts(*strategy, &answer);
      ASSERT_EQ(result.verdict, Verdict::held) << seed << ": " << result.reason;
      ASSERT_EQ(answer, "HELLO") << seed;
    }
    ASSERT_EQ(results[0].hash, results[1].hash) << seed;
    ASSERT_EQ(results[0].deviations, results[1].deviations) << seed;
    hashes.insert(results[0].hash);
  }
  EXPECT_GT(hashes.size(), 50u);  // the swarm leaves many runs of so short a program boring
}

TEST(World, DeviationsReplayTheRun) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::unique_ptr<Strategy> strategy = make_random_strategy(seed, {}, 1.0);
    std::string answer;
    const RunResult recorded = two_hosts(*strategy, &answer);
    const std::unique_ptr<Strategy> replay = make_replay_strategy(recorded.deviations);
    const RunResult replayed = two_hosts(*replay, &answer);
    ASSERT_EQ(recorded.hash, replayed.hash) << seed;
    ASSERT_EQ(recorded.deviations, replayed.deviations) << seed;
  }
}

TEST(World, NotesOfTheProgramAreInTheHash) {
  const auto noted = [](uint64_t value) {
    const std::unique_ptr<Strategy> boring = make_replay_strategy({});
    RunOptions options;
    options.strategy = boring.get();
    World world(options);
    world.add_thread("main", 0, [value] { note(value); });
    return world.run().hash;
  };
  EXPECT_EQ(noted(1), noted(1));
  EXPECT_NE(noted(1), noted(2));
}

}  // namespace
}  // namespace pollux

// SPDX-License-Identifier: MIT
//
// NETPOLL_REST=SECONDS: how long to rest before each round but the first of --gtest_repeat. A round
// leaves thousands of ports in TIME_WAIT, for a minute each, and three rounds a minute use up what
// bind(0) has to give. On the twin a minute costs nothing.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <thread>

namespace netpoll::testing {
namespace {

class Rest : public ::testing::EmptyTestEventListener {
  void OnTestIterationStart(const ::testing::UnitTest&, int round) override {
    const char* seconds = std::getenv("NETPOLL_REST");
    if (seconds == nullptr || round == 0) return;
    std::this_thread::sleep_for(std::chrono::seconds(std::atoi(seconds)));
  }
};

[[maybe_unused]] const bool installed = [] {
  ::testing::UnitTest::GetInstance()->listeners().Append(new Rest);  // which owns it
  return true;
}();

}  // namespace
}  // namespace netpoll::testing

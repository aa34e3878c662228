// SPDX-License-Identifier: MIT
//
// The arm `:linux`: the facts on the real kernel of this machine.
#include <signal.h>
#include <sys/resource.h>

#include <cstdio>

#include "fact.h"

namespace conformance {

void run_on_arm(const std::string& test, const Body& body) {
  Sheet sheet;
  fill_in(sheet, body);
  report(test, sheet, /*as_gtest_failures=*/true);
}

}  // namespace conformance

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  conformance::take_print_flag(&argc, argv);
  signal(SIGPIPE, SIG_IGN);
  // A table that can be filled up quickly, as large as that of a host of the twin.
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur > 1024) {
    limit.rlim_cur = 1024;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  int result = RUN_ALL_TESTS();
  std::printf("conformance:linux: %zu facts checked\n", conformance::facts_checked());
  return result;
}

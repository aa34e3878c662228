// SPDX-License-Identifier: MIT
//
// The command as a process, in a folder of its own.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pollux::testing {

struct Ended {
  int code;  // exit code, or 128 + signal
  std::string out, err;
};

// Runs the program that the build names POLLUX_TOY.
Ended pollux(const std::vector<std::string>& arguments);
// Another one, by its path.
Ended run_program(const std::string& path, const std::vector<std::string>& arguments);

std::string last_line(const std::string& text);
// What follows "pollux replay " on the last line.
std::string token_of(const Ended&);

// Each test runs in an empty folder, which is also where databases and token files end up.
class CommandTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
};

}  // namespace pollux::testing

// SPDX-License-Identifier: MIT
//
// The arm `:twin`: each test is the one thread of a World, on one host.
//
// It is run first with the boring choices, and that pass is what --print shows; then with a few
// seeds, whose packets take their time and whose threads switch anywhere, but where nothing fails.
// A fact holds in all of them.
//
// The ledger lists the tests in which the twin is known to differ from Linux and why. A test that is
// listed has to fail: a row that is no longer true is an error as well.
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>

// The library's own exceptions stay off: a malformed ledger is one clear line.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "fact.h"
#include "pollux/world.h"

namespace conformance {
namespace {

constexpr uint64_t kSeeds = 8;

std::map<std::string, std::string>& ledger() {
  static std::map<std::string, std::string> rows;
  return rows;
}

// Exits with 2 when the ledger can not be read as one.
void read_ledger(const char* path) {
  toml::parse_result parsed = toml::parse_file(path);
  if (!parsed) {
    std::fprintf(stderr, "%s: %s\n", path, std::string(parsed.error().description()).c_str());
    std::exit(2);
  }
  const toml::array* rows = parsed.table()["deviation"].as_array();
  if (rows == nullptr) return;
  for (const toml::node& row : *rows) {
    const toml::table* fields = row.as_table();
    const char* missing = nullptr;
    std::string test, reason;
    if (fields != nullptr) {
      test = (*fields)["test"].value_or(std::string());
      reason = (*fields)["reason"].value_or(std::string());
    }
    if (test.empty()) missing = "test";
    if (reason.empty()) missing = "reason";
    if (missing != nullptr) {
      std::fprintf(stderr, "%s:%u: a row without `%s`\n", path,
                   static_cast<unsigned>(row.source().begin.line), missing);
      std::exit(2);
    }
    ledger()[test] = reason;
  }
}

// One pass; what went wrong with the run itself is a failure of the sheet. A run that did not end
// by returning keeps its sheet: its abandoned thread may still own parts of it.
std::shared_ptr<Sheet> run_once(const Body& body, pollux::Strategy& strategy, bool* ended) {
  auto sheet = std::make_shared<Sheet>();
  pollux::RunOptions options;
  options.strategy = &strategy;
  pollux::World world(options);
  world.add_thread("facts", 0, [sheet, &body] { fill_in(*sheet, body); });
  const pollux::RunResult result = world.run();
  *ended = result.verdict == pollux::Verdict::held || result.verdict == pollux::Verdict::leaked_fd;
  if (result.verdict != pollux::Verdict::held) {
    sheet->failures.push_back({__FILE__, __LINE__,
                               "the run ended with " + std::string(to_string(result.verdict)) + ": " +
                                   result.reason + "\n" + result.details});
    if (!*ended) static_cast<void>(new std::shared_ptr<Sheet>(sheet));
  }
  return sheet;
}

}  // namespace

void run_on_arm(const std::string& test, const Body& body) {
  bool ended = false;
  auto boring = pollux::make_replay_strategy({});
  auto row = ledger().find(test);
  std::shared_ptr<Sheet> sheet = run_once(body, *boring, &ended);
  if (row != ledger().end()) {
    report(test, *sheet, /*as_gtest_failures=*/false);
    EXPECT_FALSE(sheet->failures.empty())
        << "the ledger says that the twin differs here (" << row->second << "), but it does not";
    return;
  }
  report(test, *sheet, /*as_gtest_failures=*/true);
  for (uint64_t seed = 1; seed <= kSeeds && sheet->failures.empty(); seed++) {
    auto random = pollux::make_random_strategy(seed, {}, 0.0);
    sheet = run_once(body, *random, &ended);
    SCOPED_TRACE("seed " + std::to_string(seed));
    report_failures(*sheet);
  }
}

}  // namespace conformance

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  conformance::take_print_flag(&argc, argv);
  conformance::read_ledger(POLLUX_DEVIATIONS);
  signal(SIGPIPE, SIG_IGN);
  int result = RUN_ALL_TESTS();
  std::printf("conformance:twin: %zu facts checked\n", conformance::facts_checked());
  return result;
}

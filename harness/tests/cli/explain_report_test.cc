// SPDX-License-Identifier: MIT
//
// The screen keeps its shape whatever has to go on it: names of templates, dozens of threads.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <sstream>

#include "cli/explain_report.h"
#include "pollux/suite.h"

namespace pollux {
namespace {

class NothingSuite final : public Suite {
 public:
  std::string_view name() const override { return "nothing"; }
  std::string_view description() const override { return "no threads"; }
  std::string workload(uint64_t) const override { return ""; }
  std::string validate(const std::string&) const override { return ""; }
  std::vector<std::string> shrinks(const std::string&) const override { return {}; }
  std::string describe(const std::string&) const override { return "nothing"; }
  void populate(const std::string&, World&) const override {}
};

std::string printed(const run::Explanation& explanation) {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* to = open_memstream(&text, &size);
  cli::print_explanation(explanation, "", "pollux1.token", to);
  std::fclose(to);
  std::string result(text, size);
  std::free(text);
  return result;
}

TEST(ExplainReportTest, NoLineIsWiderThanTheScreen) {
  NothingSuite suite;
  for (unsigned threads : {1u, 5u, 60u}) {
    run::Explanation explanation;
    explanation.plan.suite = &suite;
    explanation.failure.verdict = Verdict::deadlock;
    explanation.sealed = run::Sealed{.step = 3, .before = 0.5, .after = 1, .tried = 50, .runs = 90};
    for (unsigned i = 0; i < threads; ++i) {
      run::ExplainRow row;
      row.number = 40'000'000 + 100'000ull * i;
      row.thread = static_cast<Actor>(i);
      row.what = "exchanges a_word_with_a_name_that_is_long_enough: READY -> NIL, waits for cond";
      row.where =
          "some::library::detail::basic_thing<std::string, std::allocator<char>>::operator()";
      explanation.rows.push_back(row);
    }
    std::istringstream lines(printed(explanation));
    unsigned rows = 0;
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), 100u) << line;
      rows += line.find("exch") != std::string::npos && line.find("some::") != std::string::npos;
    }
    EXPECT_GE(rows, std::min(threads, 20u));
  }
}

}  // namespace
}  // namespace pollux

// SPDX-License-Identifier: MIT
//
// The text is cut from one template: @NAME@ stands for what depends on the failure.
#include "cli/test_source.h"

#include <cctype>
#include <string_view>
#include <utility>

#include "pollux/verdict.h"

namespace pollux::cli {
namespace {

constexpr std::string_view kTemplate = R"(// Made by `pollux shrink --emit-test` from
//   @TOKEN@
//
// @HEADLINE@
//   reason:   @REASON@
//   cause:    @CAUSE@
//   workload: @DESCRIPTION@
//
// It fails for as long as that failure is there, and passes when the run holds. Link it with the
// suite, the harness and GoogleTest:
//   target_link_libraries(this_test PRIVATE SUITE pollux::harness GTest::gtest_main)
// where SUITE is what brings the suite into `pollux` as well, for example pollux::suites.
//
// A deviation counts the choices of a thread at a site, so an edit of the program in front of it
// may move it away: that this run holds shows that this failure is gone, not that no other is there.
#include <gtest/gtest.h>
@HEADERS@
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "pollux/choice.h"
#include "pollux/suite.h"
#include "pollux/world.h"

namespace {

const std::string kSuite = @SUITE@;
const std::string kWorkload = @WORKLOAD@;
constexpr pollux::Verdict kRecorded = pollux::Verdict::@VERDICT@;
const std::string kReason = @PROPERTY@;  // begins so

// Everything else in the run is the boring outcome.
std::vector<pollux::Deviation> deviations() {
  using pollux::find_site;
  return {
@DEVIATIONS@  };
}

pollux::RunResult run_again() {
  const pollux::Suite& suite = *pollux::find_suite(kSuite);
  std::unique_ptr<pollux::Strategy> strategy = pollux::make_replay_strategy(deviations());
  pollux::RunOptions options;
  options.strategy = strategy.get();
  std::set<uint16_t> faults;
  for (const pollux::Deviation& deviation : deviations()) {
    if (deviation.site >= pollux::site::kFirstFault) {
      faults.insert(static_cast<uint16_t>(deviation.site - pollux::site::kFirstFault));
    }
  }
  options.fault_points.assign(faults.begin(), faults.end());
  suite.adjust(kWorkload, options);
@OPTIONS@  pollux::World world(options);
  suite.populate(kWorkload, world);
  return world.run();
}

bool as_recorded(const pollux::RunResult& run) {
  return run.verdict == kRecorded && run.reason.starts_with(kReason);
}

TEST(@FIXTURE@, @TEST@) {
  ASSERT_NE(pollux::find_suite(kSuite), nullptr) << "suite '" << kSuite << "' is not linked in";
  ASSERT_EQ(pollux::find_suite(kSuite)->validate(kWorkload), "");
@BODY@}

}  // namespace
)";

constexpr std::string_view kBody = R"(  const pollux::RunResult run = run_again();
  if (run.verdict == pollux::Verdict::held) return;
  FAIL() << (as_recorded(run) ? "reproduced: " : "not the recorded failure: ")
         << pollux::to_string(run.verdict) << ": " << run.reason << "\n"
         << run.details;
)";

// The process of the run may die of it.
constexpr std::string_view kCrashBody = R"(  constexpr int kHeld = 0, kOther = 1, kAsRecorded = 113;
  auto run_and_exit = [] {
    const pollux::RunResult run = run_again();
    if (run.verdict == pollux::Verdict::held) _exit(kHeld);
    fprintf(stderr, "%s\n%s\n", run.reason.c_str(), run.details.c_str());
    _exit(as_recorded(run) ? kAsRecorded : kOther);
  };
  static std::string how;
  auto held = [](int status) {
    const int code = WEXITSTATUS(status);
    how = "exit status " + std::to_string(code) + " in the middle of the run";
    if (code == kAsRecorded) how = kReason;
    if (WIFSIGNALED(status)) how = "SIG" + std::string(sigabbrev_np(WTERMSIG(status)));
    return status == kHeld;
  };
  EXPECT_EXIT(run_and_exit(), held, "")
      << (how == kReason ? "reproduced: " : "not the recorded failure: ") << "crash: " << how;
)";

std::string literal(const std::string& text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

// "netpoll-no-recheck" -> "NetpollNoRecheck"
std::string camel_case(std::string_view name) {
  std::string text;
  bool begins = true;
  for (char c : name) {
    bool letter = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (letter) text += begins ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    begins = !letter;
  }
  return text;
}

// The name of the enumerator.
std::string identifier(Verdict verdict) {
  std::string name(to_string(verdict));
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

std::string initializer(const Deviation& d, const std::string& comment) {
  return "      // " + one_line(comment) + "\n      {" + std::to_string(d.actor) + ", find_site(" +
         literal(std::string(site_name(d.site))) + "), " + std::to_string(d.ordinal) + ", " +
         std::to_string(d.outcome) + "},\n";
}

}  // namespace

std::string test_source(const run::Explanation& explained, const std::string& token) {
  const run::Plan& plan = explained.plan;
  const RunResult& run = explained.failure;
  const std::string suite(plan.suite->name()), verdict(to_string(run.verdict)),
      property = run::property_of(run);
  const bool crash = run.verdict == Verdict::crash;
  // Places in this binary, which the test is not.
  const bool named_by_places =
      run.verdict == Verdict::data_race || run.verdict == Verdict::leaked_memory;
  std::string deviations, options;
  for (size_t i = 0; i < run.deviations.size(); ++i) {
    deviations += initializer(run.deviations[i], explained.deviations[i]);
  }
  for (const auto& [name, value] : plan.overrides) {
    options += "  options." + run::member_of_options(name) + " = " + std::to_string(value) + ";\n";
  }
  const std::pair<std::string_view, std::string> parts[] = {
      {"TOKEN", token},
      {"HEADLINE",
       (property == verdict ? verdict : verdict + " (" + property + ")") + " in " + suite},
      {"REASON", one_line(run.reason)},
      {"CAUSE", one_line(explained.cause)},
      {"DESCRIPTION", one_line(plan.suite->describe(plan.workload))},
      {"SUITE", literal(suite)},
      {"WORKLOAD", literal(plan.workload)},
      {"VERDICT", identifier(run.verdict)},
      {"PROPERTY", literal(property == verdict || named_by_places ? "" : property)},
      {"DEVIATIONS", deviations},
      {"OPTIONS", options},
      {"FIXTURE", camel_case(suite)},
      {"TEST", "HoldsWhereItWasA" + camel_case(verdict)},
      {"HEADERS",
       crash
           ? "#include <stdio.h>\n#include <string.h>\n#include <sys/wait.h>\n#include <unistd.h>\n"
           : ""},
      {"BODY", std::string(crash ? kCrashBody : kBody)},
  };
  std::string text(kTemplate);
  for (const auto& [name, value] : parts) {
    const std::string mark = "@" + std::string(name) + "@";
    const size_t at = text.find(mark);
    text.replace(at, mark.size(), value);
  }
  return text;
}

}  // namespace pollux::cli

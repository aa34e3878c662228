// SPDX-License-Identifier: MIT
#include <cstdio>

#include "cli/commands.h"
#include "cli/exec_suite.h"
#include "cli/sweep_command.h"
#include "pollux/suite.h"

namespace pollux::cli {
namespace {

class RunCommand final : public Command {
 public:
  const char* name() const override { return "run"; }
  const char* summary() const override { return "run a suite over a range of seeds"; }
  const char* usage() const override { return "run SUITE [flags], run all [flags], or run --list"; }
  const char* examples() const override {
    return "  pollux run netpoll --seeds 0..10000\n"
           "  pollux run all --for 10m --profile hostile --junit result.xml\n"
           "  pollux run netpoll --seed 17 --strategy pct:3\n";
  }
  void add_flags(CLI::App& app) override {
    app.add_option("suite", suite_);
    app.add_flag("--list", list_, "the suites of this binary");
    app.add_option("--workload", workload_, "that workload for every seed")->type_name("TEXT");
    flags_.add(app);
  }

  int run(const std::vector<std::string>&) override {
    if (list_) return print_list();
    if (suite_.empty()) throw UsageError{"pollux run: which suite? `pollux run --list` shows them"};
    std::vector<const Suite*> chosen;
    if (suite_ == "all") {
      for (const Suite* suite : suites()) {
        if (!suite->planted() && suite->name() != kExecSuite) chosen.push_back(suite);
      }
    } else {
      chosen.push_back(&suite_named(suite_));
    }
    SweepCommand sweep(flags_);
    if (!workload_.empty()) {
      if (chosen.size() != 1) throw UsageError{"--workload is one suite's: name it"};
      if (std::string wrong = chosen[0]->validate(workload_); !wrong.empty())
        throw UsageError{"--workload: " + wrong};
      sweep.take_workload(workload_);
    }
    return sweep.run(chosen);
  }

 private:
  int print_list() const {
    for (const Suite* suite : suites()) {
      if (suite->name() == kExecSuite) continue;
      std::printf("%-24s %s%s\n", std::string(suite->name()).c_str(),
                  std::string(suite->description()).c_str(),
                  suite->planted() ? " (bug planted)" : "");
    }
    return exit_code::kHeld;
  }

  std::string suite_, workload_;
  bool list_ = false;
  SweepFlags flags_;
};

}  // namespace

std::unique_ptr<Command> make_run_command() { return std::make_unique<RunCommand>(); }

}  // namespace pollux::cli

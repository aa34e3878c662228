// SPDX-License-Identifier: MIT
#include <cstdio>
#include <utility>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exec_suite.h"
#include "cli/explore_report.h"
#include "cli/report.h"
#include "run/explain.h"
#include "run/race_stacks.h"
#include "run/token.h"

namespace pollux::cli {
namespace {

constexpr uint64_t kBoundMax = 60;
constexpr int kInterrupted = 130;

class ExploreCommand final : public Command {
 public:
  const char* name() const override { return "explore"; }
  const char* summary() const override { return "every run of a workload within a bound"; }
  const char* usage() const override { return "explore SUITE [flags]"; }
  const char* examples() const override {
    return "  pollux explore polldesc --preemptions 3\n"
           "  pollux explore break --preemptions 2 --faults 1 --budget 5m\n";
  }
  void add_flags(CLI::App& app) override {
    auto one = [&app](const char* flag, std::string& value, const char* type, const char* text) {
      return app.add_option(flag, value, text)->type_name(type);
    };
    app.add_option("suite", suite_);
    one("--preemptions", preemptions_, "P", "switches away from a thread that could go on (2)");
    one("--faults", faults_, "F",
        "faults, spurious wake-ups, stale reads and other events in a run (0)");
    app.add_flag("--no-reduction", no_reduction_,
                 "also runs that differ only in the order of independent steps");
    one("--budget", budget_, "TIME", "stop after that long (30s, 5m); exit code 6 if not complete");
    auto* seed = one("--seed", seed_, "N", "the workload of that seed (0)");
    one("--workload", workload_, "TEXT", "that workload")->excludes(seed);
    one("--profile", profile_, "NAME", "which faults: see `pollux faults --profiles` (legal)");
    judges_.add(app);
    app.add_option("--set", settings_, "an option of the run, like plain_points=1; repeatable")
        ->type_name("NAME=N")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_flag("--json", json_, "results as one JSON object per line");
    app.add_flag("--quiet", quiet_, "no progress");
  }

  int run(const std::vector<std::string>&) override {
    run::ExploreRequest request = make_request();
    ExploreReport report(request, json_, quiet_);
    report.start();
    run::ExploreTotals totals = run::explore(request, report);
    std::string token;
    if (totals.failure) {
      run::Token found = run::make_token(totals.plan, *totals.failure);
      const bool died = totals.failure->verdict == Verdict::crash;
      std::unique_ptr<run::Runner> runner = make_runner(totals.plan);
      run::add_meanings(found, run::run_with_log(totals.plan, *totals.failure, died, *runner));
      token = run::encode_or_write(found);
      if (!json_) {
        totals.failure = run::with_both_stacks(totals.plan, std::move(*totals.failure), *runner);
      }
    }
    int code = exit_code_for(totals);
    report.end(totals, token, code);
    return code;
  }

 private:
  run::ExploreRequest make_request() const {
    if (suite_.empty()) {
      throw UsageError{"pollux explore: which suite? `pollux run --list` shows them"};
    }
    run::ExploreRequest request;
    request.suite = &suite_named(suite_);
    request.preemptions = bound("--preemptions", preemptions_, 2);
    request.faults = bound("--faults", faults_, 0);
    request.workload = workload_;
    if (workload_.empty()) {
      request.workload = request.suite->workload(seed_.empty() ? 0 : parse_seed("--seed", seed_));
    }
    std::string wrong = request.suite->validate(request.workload);
    if (!wrong.empty()) throw UsageError{"--workload: " + wrong};
    request.profile = mix_named("random", request.faults == 0 ? "calm" : profile_)->profile;
    request.reduction = !no_reduction_;
    request.overrides = parse_overrides(settings_);
    judges_.apply(request.overrides);
    if (!budget_.empty()) request.budget = parse_duration("--budget", budget_);
    return request;
  }

  static unsigned bound(const char* flag, const std::string& text, unsigned otherwise) {
    return text.empty() ? otherwise : static_cast<unsigned>(parse_number(flag, text, 0, kBoundMax));
  }

  static int exit_code_for(const run::ExploreTotals& totals) {
    if (!totals.diverged.empty()) return exit_code::kNondeterminism;
    if (totals.failure) return exit_code_of(totals.failure->verdict);
    if (totals.interrupted) return kInterrupted;
    return totals.complete ? exit_code::kHeld : exit_code::kInconclusive;
  }

  std::string suite_, preemptions_, faults_, budget_, seed_, workload_;
  std::string profile_ = "legal";
  std::vector<std::string> settings_;
  JudgeFlags judges_;
  bool no_reduction_ = false, json_ = false, quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_explore_command() { return std::make_unique<ExploreCommand>(); }

}  // namespace pollux::cli

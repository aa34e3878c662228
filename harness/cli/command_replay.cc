// SPDX-License-Identifier: MIT
//
// replay and trace: one run again, from a token or from a seed.
#include <cstdio>
#include <utility>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exec_suite.h"
#include "cli/replay_elsewhere.h"
#include "cli/report.h"
#include "cli/token_argument.h"
#include "run/divergence.h"
#include "run/race_stacks.h"
#include "run/text_code.h"

namespace pollux::cli {
namespace {

// The runs so far did not do what the token says; is it the token or the run that moves?
int report_divergence(const run::Plan& plan, run::Runner& runner, const run::Token& token,
                      const RunResult& seen, uint64_t number) {
  std::printf("diverged: run %llu is %s (%s) with hash %s, the token says %s (%s) with hash %s\n",
              static_cast<unsigned long long>(number), std::string(to_string(seen.verdict)).c_str(),
              run::property_of(seen).c_str(), run::hex(seen.hash).c_str(),
              std::string(to_string(token.verdict)).c_str(), token.property.c_str(),
              run::hex(token.hash).c_str());
  run::Watch watch{.trace = true, .steps = true};
  RunResult first = runner.run(plan, watch);
  RunResult second = runner.run(plan, watch);
  if (auto divergence = run::first_divergence(first, second)) {
    std::fputs(divergence->report.c_str(), stdout);
  } else {
    std::printf(
        "  two more runs agree with each other (hash %s): the run is deterministic here, but it "
        "is\n"
        "  not the one that the token was made from (another build, machine or environment)\n",
        run::hex(first.hash).c_str());
  }
  return exit_code::kNondeterminism;
}

class ReplayCommand final : public Command {
 public:
  const char* name() const override { return "replay"; }
  const char* summary() const override { return "run a token again and compare verdict and hash"; }
  const char* usage() const override { return "replay TOKEN [flags]"; }
  const char* examples() const override {
    return "  pollux replay pollux1.netpoll.hWF3...\n"
           "  pollux replay pollux-1a2b3c4d.token --times 100\n"
           "  gdb --args pollux replay TOKEN --no-fork\n";
  }
  void add_flags(CLI::App& app) override {
    app.add_option("token", token_);
    app.add_option("--times", times_, "run it that often; every run must be the same (1)")
        ->type_name("N");
    app.add_flag("--trace", trace_, "print what happens, step by step");
    app.add_flag("--details", details_, "do not cut the report to a screen");
    app.add_flag("--no-fork", no_fork_, "run in this process, for a debugger");
    app.add_flag("--force", force_, "take another build's token as it is: nothing is moved");
  }

  int run(const std::vector<std::string>&) override {
    uint64_t times = times_.empty() ? 1 : parse_number("--times", times_, 1, 1'000'000'000);
    GivenToken given = token_of_any_build(name(), token_);
    const bool is_program = given.plan.suite->name() == kExecSuite;
    if (no_fork_ && is_program)
      throw UsageError{"--no-fork: a program is always a process of its own"};
    if (!given.other.empty() && !force_ && given.token.verdict != Verdict::diverged) {
      int code = 0;
      auto here = replay_elsewhere(given, *make_runner(given.plan), code);
      if (!here) return code;
      given = std::move(*here);
    }
    const auto& [token, plan, other] = given;
    std::unique_ptr<run::Runner> runner = make_runner(plan, is_program && times == 1);
    if (token.verdict == Verdict::diverged) return replay_divergence(token, plan, *runner);
    RunResult result;
    for (uint64_t i = 0; i < times; ++i) {
      run::Watch watch{.trace = trace_ && i == 0, .steps = false};
      RunResult next = no_fork_ ? run::execute(plan, watch) : runner->run(plan, watch);
      const bool hash_known = other.empty() && token.hash != 0;
      if (!agrees(token, next, hash_known ? token.hash : (i == 0 ? next : result).hash))
        return report_divergence(plan, *runner, token, next, i + 1);
      if (i == 0) {
        result = std::move(next);
        for (const std::string& line : result.trace) std::printf("%s\n", line.c_str());
        std::fflush(stdout);
      }
    }
    std::printf("%llu of %llu runs: verdict %s, hash %s%s\n",
                static_cast<unsigned long long>(times), static_cast<unsigned long long>(times),
                std::string(to_string(result.verdict)).c_str(), run::hex(result.hash).c_str(),
                other.empty() ? "" : " (another build's token)");
    if (result.verdict == Verdict::held) return exit_code::kHeld;
    // Not with --no-fork: this process has threads of a run that ended in it.
    if (!no_fork_) result = run::with_both_stacks(plan, std::move(result), *make_runner(plan));
    print_failure(plan, result, "", run::encode_or_write(token), stdout, details_);
    return exit_code_of(result.verdict);
  }

 private:
  // A run that died has no hash of its own; a token of such a run is known by its verdict, and so
  // is one of another build. Then `hash` is that of the first run here.
  static bool agrees(const run::Token& token, const RunResult& run, uint64_t hash) {
    return run.verdict == token.verdict && run::property_of(run) == token.property &&
           run.hash == hash;
  }

  int replay_divergence(const run::Token& token, const run::Plan& plan, run::Runner& runner) const {
    run::Watch watch{.trace = true, .steps = true};
    RunResult first = runner.run(plan, watch), second = runner.run(plan, watch);
    auto divergence = run::first_divergence(first, second);
    if (!divergence) {
      std::printf("held: two runs have the same hash %s, the token says that they differ\n",
                  run::hex(first.hash).c_str());
      return exit_code::kHeld;
    }
    std::printf("diverged: two runs of the same token are not the same\n%spollux replay %s\n",
                divergence->report.c_str(), run::encode_or_write(token).c_str());
    return exit_code::kNondeterminism;
  }

  std::string token_, times_;
  bool trace_ = false, details_ = false, no_fork_ = false, force_ = false;
};

class TraceCommand final : public Command {
 public:
  const char* name() const override { return "trace"; }
  const char* summary() const override {
    return "show what a run does: time, thread, call, result";
  }
  const char* usage() const override {
    return "trace TOKEN [flags], or trace SUITE --seed N [flags]";
  }
  const char* examples() const override {
    return "  pollux trace pollux1.netpoll.hWF3...\n"
           "  pollux trace netpoll --seed 17 --profile calm\n";
  }
  void add_flags(CLI::App& app) override {
    app.add_option("token", what_);
    app.add_option("--seed", seed_, "trace this seed of a suite")->type_name("N");
    app.add_option("--profile", profile_, "which faults (legal)")->type_name("NAME");
    app.add_option("--strategy", strategy_, "as for `pollux run` (random)")->type_name("NAME");
    app.add_option("--last", last_, "only so many lines from the end")->type_name("N");
    app.add_flag("--force", force_, "try the token of another build");
  }

  int run(const std::vector<std::string>&) override {
    run::Plan plan = plan_to_trace();
    uint64_t last = last_.empty() ? UINT64_MAX : parse_number("--last", last_, 1, UINT64_MAX);
    RunResult result = make_runner(plan)->run(plan, {.trace = true});
    size_t from = result.trace.size() > last ? result.trace.size() - last : 0;
    for (size_t i = from; i < result.trace.size(); ++i)
      std::printf("%s\n", result.trace[i].c_str());
    std::printf("%s, hash %s\n", headline(result).c_str(), run::hex(result.hash).c_str());
    return exit_code_of(result.verdict);
  }

 private:
  run::Plan plan_to_trace() const {
    if (what_.empty()) throw UsageError{"pollux trace: which token, or which suite with --seed N?"};
    if (seed_.empty()) {
      if (find_suite(what_) != nullptr)
        throw UsageError{"pollux trace " + what_ + ": which seed? Add --seed N"};
      if (!profile_.empty() || !strategy_.empty())
        throw UsageError{"--profile and --strategy go with --seed: a token has its own"};
      return token_argument(name(), what_, force_).second;
    }
    const Suite& suite = suite_named(what_);
    uint64_t seed = parse_seed("--seed", seed_);
    auto mix =
        mix_named(strategy_.empty() ? "random" : strategy_, profile_.empty() ? "legal" : profile_);
    return {&suite, suite.workload(seed), run::Drawn{seed, mix}, {}};
  }

  std::string what_, seed_, profile_, strategy_, last_;
  bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> make_replay_command() { return std::make_unique<ReplayCommand>(); }
std::unique_ptr<Command> make_trace_command() { return std::make_unique<TraceCommand>(); }

}  // namespace pollux::cli

// SPDX-License-Identifier: MIT
#include <cstdio>
#include <fstream>
#include <utility>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exec_suite.h"
#include "cli/explain_report.h"
#include "cli/report.h"
#include "cli/test_source.h"
#include "cli/token_argument.h"
#include "run/race_stacks.h"
#include "run/shrinker.h"

namespace pollux::cli {
namespace {

class ShrinkCommand final : public Command {
 public:
  const char* name() const override { return "shrink"; }
  const char* summary() const override { return "the smallest failure that is still the same"; }
  const char* usage() const override { return "shrink TOKEN [flags]"; }
  const char* examples() const override {
    return "  pollux shrink pollux1.netpoll.hWF3...\n"
           "  pollux shrink pollux-1a2b3c4d.token --for 2m\n"
           "  pollux shrink TOKEN --emit-test lost_wakeup_test.cc\n";
  }
  void add_flags(CLI::App& app) override {
    app.add_option("token", token_);
    app.add_option("--for", duration_,
                   "take that long if need be (2s; 20s while it is hard to read)")
        ->type_name("TIME");
    app.add_option("--emit-test", test_file_,
                   "write a GoogleTest that fails for as long as the failure is there")
        ->type_name("FILE");
    app.add_flag("--force", force_, "try the token of another build");
    app.add_flag("--quiet", quiet_, "no progress");
  }

  int run(const std::vector<std::string>&) override {
    auto [token, plan] = token_argument(name(), token_, force_);
    if (!test_file_.empty() && plan.suite->name() == kExecSuite)
      throw UsageError{
          "--emit-test: a program of `pollux exec` can not be linked into a test; keep its token"};
    if (!test_file_.empty() && plan.network != nullptr)
      throw UsageError{
          "--emit-test: a run with --network can not be written as a test; keep its token"};
    run::ShrinkRequest request;
    request.plan = plan;
    if (!duration_.empty())
      request.budget = request.soft_budget = parse_duration("--for", duration_);
    request.mix = mix_of(plan);
    std::unique_ptr<run::Runner> runner = make_runner(plan);
    run::ShrinkResult result = run::shrink(request, *runner, [this](const std::string& line) {
      if (!quiet_) std::fprintf(stderr, "%s\n", line.c_str());
    });
    if (!result.reproduced) {
      std::printf("not shrunk: %s\n", result.complaint.c_str());
      return result.result.verdict == Verdict::held && token.verdict == Verdict::held
                 ? exit_code::kHeld
                 : exit_code::kNondeterminism;
    }
    std::printf(
        "shrunk from %zu deviations to %zu, workload from %zu characters to %zu, in %.2f s (%llu "
        "runs)%s\n",
        result.deviations_before, result.result.deviations.size(), result.workload_before,
        result.plan.workload.size(), result.seconds, static_cast<unsigned long long>(result.runs),
        result.out_of_time ? "; time was up, there may be less" : "");
    auto explained = run::explain({.plan = result.plan, .mix = request.mix}, *runner);
    if (auto* explanation = std::get_if<run::Explanation>(&explained)) {
      // By what happened: a deviation that could not is not in it.
      run::Token small =
          run::make_token(explanation->plan, result.result, build_of(explanation->plan));
      run::add_meanings(small, explanation->failure);
      print_explanation(*explanation, "shrunk", run::encode_or_write(small));
      if (!test_file_.empty()) write_test(*explanation, run::encode(small));
    } else {
      run::Token small = run::make_token(result.plan, result.result, build_of(result.plan));
      result.result = run::with_both_stacks(result.plan, std::move(result.result), *runner);
      print_failure(result.plan, result.result, "shrunk", run::encode_or_write(small));
      if (!test_file_.empty())
        throw UsageError{"--emit-test: no test of a failure that is not explained: " +
                         std::get<std::string>(explained)};
    }
    return exit_code_of(result.result.verdict);
  }

 private:
  // After the replay line, which is the last one on stdout.
  void write_test(const run::Explanation& explained, const std::string& token) {
    if (run::property_of(explained.failure) == "stuck")
      throw UsageError{"--emit-test: a run that never ends can not be a test; keep its token"};
    std::ofstream file(test_file_);
    file << test_source(explained, token);
    file.close();
    if (!file) throw UsageError{"--emit-test: can not write " + test_file_};
    std::fprintf(stderr, "test written to %s\n", test_file_.c_str());
  }

  std::string token_, duration_, test_file_;
  bool force_ = false, quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_shrink_command() { return std::make_unique<ShrinkCommand>(); }

}  // namespace pollux::cli

// SPDX-License-Identifier: MIT
#include <cstdio>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exec_suite.h"
#include "cli/explain_report.h"
#include "cli/report.h"
#include "cli/token_argument.h"
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
           "  pollux shrink pollux-1a2b3c4d.token --for 2m\n";
  }
  void add_flags(CLI::App& app) override {
    app.add_option("token", token_);
    app.add_option("--for", duration_,
                   "take that long if need be (2s; 20s while it is hard to read)")
        ->type_name("TIME");
    app.add_flag("--force", force_, "try the token of another build");
    app.add_flag("--quiet", quiet_, "no progress");
  }

  int run(const std::vector<std::string>&) override {
    auto [token, plan] = token_argument(name(), token_, force_);
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
    run::Token small = run::make_token(result.plan, result.result, build_of(result.plan));
    explain_failure(result.plan, result.result, request.mix, "shrunk", run::encode_or_write(small));
    return exit_code_of(result.result.verdict);
  }

 private:
  std::string token_, duration_;
  bool force_ = false, quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_shrink_command() { return std::make_unique<ShrinkCommand>(); }

}  // namespace pollux::cli

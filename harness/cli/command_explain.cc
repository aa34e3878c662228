// SPDX-License-Identifier: MIT
#include <cstdio>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exec_suite.h"
#include "cli/explain_report.h"
#include "cli/report.h"
#include "cli/token_argument.h"

namespace pollux::cli {
namespace {

class ExplainCommand final : public Command {
 public:
  const char* name() const override { return "explain"; }
  const char* summary() const override { return "why a failing run fails, on one screen"; }
  const char* usage() const override { return "explain TOKEN [flags]"; }
  const char* examples() const override {
    return "  pollux explain pollux1.netpoll.hWF3...\n"
           "  pollux explain pollux-1a2b3c4d.token --deviations\n";
  }
  void add_flags(CLI::App& app) override {
    app.add_option("token", token_);
    app.add_option("--for", duration_, "look that long for the step that sealed it (10s)")
        ->type_name("TIME");
    app.add_flag("--no-seal", no_seal_, "do not ask when it was sealed");
    app.add_flag("--deviations", deviations_, "list every deviation with its place in the source");
    app.add_flag("--force", force_, "try the token of another build");
  }

  int run(const std::vector<std::string>&) override {
    auto [token, plan] = token_argument(name(), token_, force_);
    std::unique_ptr<run::Runner> runner = make_runner(plan);
    run::ExplainRequest request;
    request.plan = plan;
    if (!no_seal_) request.mix = mix_of(plan);
    if (!duration_.empty()) request.seal_budget = parse_duration("--for", duration_);
    auto explained = run::explain(request, *runner);
    if (auto* why_not = std::get_if<std::string>(&explained)) {
      std::printf("not explained: %s\n", why_not->c_str());
      return token.verdict == Verdict::held ? exit_code::kHeld : exit_code::kNondeterminism;
    }
    const auto& explanation = std::get<run::Explanation>(explained);
    if (deviations_) {
      for (const std::string& line : explanation.deviations) std::printf("  %s\n", line.c_str());
    }
    print_explanation(explanation, "", run::encode_or_write(token));
    return exit_code_of(explanation.failure.verdict);
  }

 private:
  std::string token_, duration_;
  bool no_seal_ = false, deviations_ = false, force_ = false;
};

}  // namespace

std::unique_ptr<Command> make_explain_command() { return std::make_unique<ExplainCommand>(); }

}  // namespace pollux::cli

// SPDX-License-Identifier: MIT
#include <cstdio>
#include <utility>

#include "cli/commands.h"
#include "cli/exec_suite.h"
#include "cli/report.h"
#include "cli/sweep_command.h"
#include "run/race_stacks.h"
#include "run/token.h"

namespace pollux::cli {
namespace {

class ExecCommand final : public Command {
 public:
  const char* name() const override { return "exec"; }
  const char* summary() const override { return "run a program of yours on the twin"; }
  const char* usage() const override { return "exec [flags] -- PROGRAM ARGUMENTS"; }
  const char* examples() const override {
    return "  pollux exec -- ./server --port 7000          seed 0, its output on this terminal\n"
           "  pollux exec --seeds 0..1000 -- ./server      one process per seed\n"
           "  pollux exec --seed 17 --profile calm -- ./server\n"
           "  pollux exec --client 127.0.0.1:7000=get.txt*4 -- ./server --port 7000\n"
           "                                               four clients play get.txt\n";
  }
  void add_flags(CLI::App& app) override {
    // A reset is legal, too, but a program may well end with an error after one.
    flags_.profile = "transparent";
    flags_.add(app);
    app.add_flag("--audit-addresses", flags_.audit_moved,
                 "audit, the second time with stack, heap and mappings at other addresses: shows "
                 "what in the program hangs on them");
    app.add_option("--client", clients_,
                   "ADDRESS=FILE or ADDRESS=FILE*N: N clients, each on a host of its own, play the "
                   "script FILE against the program; repeatable. A script's lines: send, expect, "
                   "until (each \"TEXT\"), closed, sleep TIME, patience TIME, half-close, close, "
                   "reset, connect")
        ->allow_extra_args(false);
  }
  bool takes_program() const override { return true; }

  int run(const std::vector<std::string>& program) override {
    if (program.empty())
      throw UsageError{
          "pollux exec: which program? Put it behind '--', like: pollux exec -- ./server"};
    SweepCommand sweep(flags_);
    check_network(sweep.network());
    std::vector<ClientGroup> clients;
    for (const std::string& client : clients_) clients.push_back(parse_client(client));
    exec_workload(program, std::move(clients));
    const Suite* suite = find_suite(kExecSuite);
    if (flags_.seeds.empty() && flags_.duration.empty()) return run_one(*suite, sweep.network());
    ExecRunner runner(/*show_output=*/false, process_bounds(flags_));
    return sweep.run({suite}, [&runner](const run::Plan& plan, const run::Watch& watch) {
      return runner.run(plan, watch);
    });
  }

 private:
  // One seed: the program has the terminal, and its own last line is the summary.
  int run_one(const Suite& suite, const std::shared_ptr<const run::NetworkFile>& network) const {
    run::Overrides overrides = parse_overrides(flags_.settings);
    flags_.judges.apply(overrides);
    uint64_t seed = flags_.seed.empty() ? 0 : parse_seed("--seed", flags_.seed);
    run::Plan plan{&suite,
                   suite.workload(seed),
                   run::Drawn{seed, mix_named(flags_.strategy, flags_.profile)},
                   overrides,
                   {},
                   network};
    RunResult result = ExecRunner(/*show_output=*/true, process_bounds(flags_)).run(plan);
    if (result.verdict != Verdict::held) {
      result = run::with_both_stacks(plan, std::move(result), *make_runner(plan));
      print_failure(plan, result, "seed " + std::to_string(seed),
                    run::encode_or_write(run::make_token(plan, result, build_of(plan))));
    }
    return exit_code_of(result.verdict);
  }

  // The first host is the program's: it can not be started twice, and its clients know where it is.
  static void check_network(const std::shared_ptr<const run::NetworkFile>& network) {
    if (network == nullptr || network->plan.hosts.empty()) return;
    const HostPlan& first = network->plan.hosts.front();
    const std::string whose = "--network: " + network->name + ": host \"" + first.name +
                              "\", the first one, is the program's: ";
    if (first.address != 0) throw UsageError{whose + "it has no other address than 10.0.0.1"};
    for (const RulePlan& rule : network->plan.rules) {
      if (rule.kind == RulePlan::Kind::crash && rule.a == 0)
        throw UsageError{whose + "it can not crash, only its clients' hosts can"};
    }
  }

  SweepFlags flags_;
  std::vector<std::string> clients_;
};

}  // namespace

std::unique_ptr<Command> make_exec_command() { return std::make_unique<ExecCommand>(); }

}  // namespace pollux::cli

// SPDX-License-Identifier: MIT
#include "cli/pollux_main.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exec_suite.h"
#include "pollux/verdict.h"
#include "run/build_info.h"
#include "run/nearest.h"
#include "run/token.h"

namespace pollux {
namespace cli {
namespace {

constexpr const char* kHelp =
    R"(pollux: deterministic testing and fault injection for event-driven I/O on Linux

Examples:
  pollux run --list                        which suites this binary has
  pollux run netpoll --seeds 0..10000      each seed is one workload on one schedule with its faults
  pollux replay TOKEN                      the same run again: same verdict, same hash
  pollux shrink TOKEN                      the smallest failure that is still the same
  pollux explain TOKEN                     why it fails, on one screen
  pollux trace TOKEN                       what happened, step by step
  pollux explore polldesc --preemptions 2  every run of a small workload within a bound
  pollux exec --seeds 0..100 -- ./server   any dynamically linked program

Commands:
)";

constexpr const char* kHelpEnd = R"(
`pollux COMMAND --help` shows its flags. A range of seeds A..B does not include B.

Exit codes: 0 held   1 a failure was found, its replay line is the last one   2 usage
            3 not deterministic   4 nothing ran   5 a call that is not modelled
            6 time was up before the request was covered   70 a bug of pollux   130 interrupted
)";

using Commands = std::vector<std::unique_ptr<Command>>;

Commands make_commands() {
  Commands commands;
  commands.push_back(make_run_command());
  commands.push_back(make_exec_command());
  commands.push_back(make_explore_command());
  commands.push_back(make_replay_command());
  commands.push_back(make_shrink_command());
  commands.push_back(make_explain_command());
  commands.push_back(make_trace_command());
  commands.push_back(make_compare_command());
  commands.push_back(make_faults_command());
  commands.push_back(make_seeds_command());
  commands.push_back(make_doctor_command());
  return commands;
}

void print_help(const Commands& commands) {
  std::fputs(kHelp, stdout);
  for (const auto& command : commands)
    std::printf("  %-9s %s\n", command->name(), command->summary());
  std::fputs(kHelpEnd, stdout);
}

void print_command_help(const Command& command, CLI::App& app) {
  std::printf("pollux %s\n\n%s\n\nExamples:\n%s\nFlags:\n", command.usage(), command.summary(),
              command.examples());
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty()) continue;
    std::string left = "--" + option->get_lnames().front();
    if (option->get_expected_max() > 0) left += " " + option->get_type_name();
    std::printf("  %-22s %s\n", left.c_str(), option->get_description().c_str());
  }
}

// What CLI11 could not place: an unknown flag, or an argument too many.
void reject_rest(const CLI::App& app, const std::string& where) {
  std::vector<std::string> rest = app.remaining();
  if (rest.empty()) return;
  auto flag = std::find_if(rest.begin(), rest.end(),
                           [](const std::string& a) { return a.starts_with("-"); });
  if (flag == rest.end()) {
    throw UsageError{where + ": unexpected argument '" + rest.front() + "'"};
  }
  std::vector<std::string> owned;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) owned.push_back("--" + name);
  }
  std::vector<std::string_view> names(owned.begin(), owned.end());
  std::string given = flag->substr(0, flag->find('='));
  throw UsageError{where + ": unknown flag '" + given + "': did you mean '" +
                   std::string(run::nearest(given, names)) + "'?"};
}

int dispatch(std::vector<std::string> arguments) {
  Commands commands = make_commands();
  if (arguments.empty() || arguments[0] == "help" || arguments[0] == "--help" ||
      arguments[0] == "-h") {
    if (arguments.size() == 2 && arguments[0] == "help") {
      arguments = {arguments[1], "--help"};
    } else {
      print_help(commands);
      return arguments.empty() ? exit_code::kUsage : exit_code::kHeld;
    }
  }
  if (arguments[0] == "--version" || arguments[0] == "-V" || arguments[0] == "version") {
    std::printf("pollux %s, token format %u, build %s, %s\n", POLLUX_VERSION, run::kTokenVersion,
                run::build_id().c_str(), run::compiler().c_str());
    return exit_code::kHeld;
  }
  auto chosen = std::find_if(commands.begin(), commands.end(),
                             [&](const auto& command) { return command->name() == arguments[0]; });
  if (chosen == commands.end()) {
    std::vector<std::string_view> names;
    for (const auto& command : commands) names.push_back(command->name());
    throw UsageError{"unknown command '" + arguments[0] + "'" +
                     run::did_you_mean(arguments[0], names)};
  }
  Command& command = **chosen;
  std::string where = std::string("pollux ") + command.name();

  std::vector<std::string> flags(arguments.begin() + 1, arguments.end()), program;
  auto dashes = std::find(flags.begin(), flags.end(), "--");
  if (dashes != flags.end()) {
    if (!command.takes_program()) throw UsageError{where + " takes no program after '--'"};
    program.assign(dashes + 1, flags.end());
    flags.erase(dashes, flags.end());
  }

  CLI::App app;
  app.allow_extras();
  app.set_help_flag();
  bool help = false;
  app.add_flag("--help,-h", help, "this text");
  command.add_flags(app);
  reject_duplicates(flags, {"--set", "--client"});
  std::reverse(flags.begin(), flags.end());  // CLI11 wants them so
  try {
    app.parse(flags);
  } catch (const CLI::ParseError& error) {
    std::string message = error.what();
    std::replace(message.begin(), message.end(), '\n', ' ');
    throw UsageError{where + ": " + message};
  }
  if (help) {
    print_command_help(command, app);
    return exit_code::kHeld;
  }
  reject_rest(app, where);
  return command.run(program);
}

}  // namespace
}  // namespace cli

int pollux_main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  cli::register_exec_suite();
  try {
    int code = cli::dispatch(std::move(arguments));
    std::fflush(stdout);
    return code;
  } catch (const cli::UsageError& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "pollux: %s\n", error.message.c_str());
    return exit_code::kUsage;
  }
}

}  // namespace pollux

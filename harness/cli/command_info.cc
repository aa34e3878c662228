// SPDX-License-Identifier: MIT
//
// faults, seeds, compare: what there is to know without a run of one's own.

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exec_suite.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "pollux/comparison.h"
#include "run/failures_db.h"

namespace pollux {
namespace {

std::vector<const Comparison*>& registered_comparisons() {
  static std::vector<const Comparison*> list;
  return list;
}

}  // namespace

void register_comparison(const Comparison* comparison) {
  registered_comparisons().push_back(comparison);
}
const std::vector<const Comparison*>& comparisons() { return registered_comparisons(); }

namespace cli {
namespace {

const char* to_string(faults::Grade grade) {
  switch (grade) {
    case faults::Grade::legal:
      return "legal";
    case faults::Grade::documented:
      return "documented";
    case faults::Grade::lie:
      return "lie";
  }
  return "?";
}

class FaultsCommand final : public Command {
 public:
  const char* name() const override { return "faults"; }
  const char* summary() const override {
    return "the catalogue of faults, and what a profile takes from it";
  }
  const char* usage() const override { return "faults [flags]"; }
  const char* examples() const override {
    return "  pollux faults                      all, with source and legality rule\n"
           "  pollux faults --profile legal      those of a profile, with their rates\n"
           "  pollux faults --profiles           which profiles there are\n";
  }
  void add_flags(CLI::App& app) override {
    auto* one =
        app.add_option("--profile", profile_, "only the faults of this profile")->type_name("NAME");
    app.add_flag("--profiles", list_, "the built-in profiles")->excludes(one);
  }

  int run(const std::vector<std::string>&) override {
    if (list_) return print_profiles();
    std::vector<faults::ProfileFault> chosen;
    if (profile_.empty()) {
      for (size_t i = 0; i < faults::points().size(); ++i)
        chosen.push_back({static_cast<faults::PointId>(i), 0});
    } else {
      auto mix = mix_named("random", profile_);
      std::printf("profile %s: %s\neach run has on %.0f %% of its faults\n\n",
                  mix->profile.name.c_str(), mix->profile.description.c_str(),
                  mix->profile.swarm * 100);
      chosen = mix->profile.faults;
    }
    for (const faults::ProfileFault& fault : chosen) {
      const faults::Point& point = faults::points()[fault.point];
      std::printf("%-44s %-10s", std::string(point.name).c_str(), to_string(point.grade));
      if (!profile_.empty()) std::printf(" rate %g", fault.rate);
      std::printf("\n    source %s\n    rule   %s\n", std::string(point.source).c_str(),
                  std::string(point.rule).c_str());
    }
    return exit_code::kHeld;
  }

 private:
  static int print_profiles() {
    for (std::string_view name : faults::built_in_profiles()) {
      auto mix = mix_named("random", std::string(name));
      std::printf("%-12s %3zu faults  %s\n", mix->profile.name.c_str(), mix->profile.faults.size(),
                  mix->profile.description.c_str());
    }
    return exit_code::kHeld;
  }

  std::string profile_;
  bool list_ = false;
};

class SeedsCommand final : public Command {
 public:
  const char* name() const override { return "seeds"; }
  const char* summary() const override { return "the failures that sweeps have kept"; }
  const char* usage() const override { return "seeds [flags]"; }
  const char* examples() const override {
    return "  pollux seeds\n"
           "  pollux seeds --db nightly.sqlite --suite netpoll --last 5\n";
  }
  void add_flags(CLI::App& app) override {
    app.add_option("--db", path_, "the database (pollux-failures.sqlite)")->type_name("FILE");
    app.add_option("--suite", suite_, "only those of this suite")->type_name("SUITE");
    app.add_option("--last", last_, "only so many, the latest ones")->type_name("N");
  }

  int run(const std::vector<std::string>&) override {
    uint64_t last = last_.empty() ? UINT64_MAX : parse_number("--last", last_, 1, UINT64_MAX);
    auto opened = run::FailuresDb::open(path_, /*create=*/false);
    if (auto* message = std::get_if<std::string>(&opened)) throw UsageError{*message};
    std::vector<run::Failure> failures = std::get<run::FailuresDb>(opened).list();
    std::erase_if(failures,
                  [this](const run::Failure& f) { return !suite_.empty() && f.suite != suite_; });
    size_t from = failures.size() > last ? failures.size() - last : 0;
    for (size_t i = from; i < failures.size(); ++i) {
      const run::Failure& failure = failures[i];
      std::printf(
          "%s %s seed %s, profile %s, strategy %s, build %s\n  %s (%s): %s\n  pollux replay %s\n",
          failure.at.c_str(), failure.suite.c_str(), failure.seed.c_str(), failure.profile.c_str(),
          failure.strategy.c_str(), failure.build.c_str(), failure.verdict.c_str(),
          failure.property.c_str(), failure.reason.c_str(), failure.token.c_str());
    }
    std::printf("%zu failures\n", failures.size() - from);
    return exit_code::kHeld;
  }

 private:
  std::string path_ = "pollux-failures.sqlite", suite_, last_;
};

class CompareCommand final : public Command {
 public:
  const char* name() const override { return "compare"; }
  const char* summary() const override {
    return "several subjects under the same seeds and faults";
  }
  const char* usage() const override { return "compare [NAME] [flags]"; }
  const char* examples() const override {
    return "  pollux compare\n"
           "  pollux compare --seeds 0..100 --profile eagain-lie\n";
  }
  void add_flags(CLI::App& app) override {
    app.add_option("name", name_);
    app.add_option("--seeds", seeds_, "seeds A up to but not including B (0..20)")
        ->type_name("A..B");
    app.add_option("--profile", profile_, "which faults (legal)")->type_name("NAME");
  }

  int run(const std::vector<std::string>&) override {
    SeedRange range = parse_seeds("--seeds", seeds_);
    ComparisonRequest request{range.first, range.end, mix_named("random", profile_)->profile,
                              nullptr};
    bool any = false;
    for (const Comparison* comparison : comparisons()) {
      if (!name_.empty() && comparison->name() != name_) continue;
      any = true;
      print(*comparison, request);
    }
    if (any) return exit_code::kHeld;
    if (!name_.empty()) throw UsageError{"no comparison '" + name_ + "' in this binary" + known()};
    std::fprintf(stderr, "pollux: this binary has no comparison\n");
    return exit_code::kNothingRan;
  }

 private:
  static std::string known() {
    std::string text;
    for (const Comparison* comparison : comparisons())
      text += (text.empty() ? ": known are " : ", ") + std::string(comparison->name());
    return text;
  }

  static void print(const Comparison& comparison, ComparisonRequest request) {
    Progress progress(Progress::suitable(), std::string(comparison.name()));
    request.progress = [&](double share) {
      run::SweepTotals totals;
      totals.runs = totals.held =
          static_cast<uint64_t>(share * static_cast<double>(request.end_seed - request.first_seed));
      progress.show(totals, share);
      return true;
    };
    std::vector<std::vector<std::string>> table = comparison.rows(request);
    progress.clear();
    table.insert(table.begin(), comparison.columns());
    std::printf("%s: %s\n%s", std::string(comparison.name()).c_str(),
                std::string(comparison.description()).c_str(),
                format_table(table, kCellMax).c_str());
  }

  static constexpr size_t kCellMax = 36;
  std::string name_, seeds_ = "0..20", profile_ = "legal";
};

}  // namespace

std::unique_ptr<Command> make_faults_command() { return std::make_unique<FaultsCommand>(); }
std::unique_ptr<Command> make_seeds_command() { return std::make_unique<SeedsCommand>(); }
std::unique_ptr<Command> make_compare_command() { return std::make_unique<CompareCommand>(); }

}  // namespace cli
}  // namespace pollux

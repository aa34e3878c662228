// SPDX-License-Identifier: MIT
#include "cli/sweep_command.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <thread>

#include "cli/exec_suite.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "run/build_info.h"
#include "run/divergence.h"
#include "run/race_stacks.h"
#include "run/text_code.h"
#include "run/token.h"

namespace pollux::cli {
namespace {

constexpr const char* kDefaultDb = "pollux-failures.sqlite";
constexpr uint64_t kDefaultSeeds = 1000;
constexpr uint64_t kOpenEnd = uint64_t{1} << 62;
constexpr uint64_t kJobsMax = 24;  // each takes a descriptor, and a run leaves but 64 for real ones
constexpr size_t kFailureLines = 10;
constexpr size_t kJunitFailures = 1000;
constexpr int kInterrupted = 130;

// The worst news wins.
int worse(int a, int b) {
  constexpr int kOrder[] = {exit_code::kInternal,   exit_code::kNondeterminism,
                            exit_code::kViolation,  exit_code::kUnmodelled,
                            kInterrupted,           exit_code::kInconclusive,
                            exit_code::kNothingRan, exit_code::kHeld};
  for (int code : kOrder) {
    if (a == code || b == code) return code;
  }
  return exit_code::kInternal;
}

}  // namespace

void SweepFlags::add(CLI::App& app) {
  auto one = [&app](const char* flag, std::string& value, const char* type, const char* text) {
    return app.add_option(flag, value, text)->type_name(type);
  };
  auto* range = one("--seeds", seeds, "A..B", "seeds A up to but not including B (0..1000)");
  one("--seed", seed, "N", "just this seed; a git hash will do")->excludes(range);
  one("--shard", shard, "K/N", "the K-th of N equal parts of the seeds");
  one("--for", duration, "TIME", "stop after that long (30s, 5m); without --seeds, as many as fit");
  one("--profile", profile, "NAME",
      ("which faults: see `pollux faults --profiles`, or a .toml file (" + profile + ")").c_str());
  one("--strategy", strategy, "NAME",
      "random, pct:DEPTH, pos, active, walk, round-robin, surw:N,N,... or bytes:HEX (random)");
  one("--stuck", stuck, "TIME", "kill a run that shows no end for that long in real time (60s)");
  one("--memory-max", memory_max, "MIB", "kill a run whose process has that much memory (4096)");
  one("--jobs", jobs, "N", "worker processes (one per processor)");
  one("--network", network, "FILE", "hosts, links and rules: see docs/network.md");
  judges.add(app);
  app.add_flag("--audit", audit, "run every seed twice and compare (else 1 %)");
  app.add_flag("--fail-fast", fail_fast, "stop at the first failure");
  one("--db", db, "FILE", "failures go there (pollux-failures.sqlite, when something fails)");
  app.add_flag("--json", json, "results as one JSON object per line");
  one("--junit", junit, "FILE", "results as JUnit XML");
  one("--hashes", hashes, "FILE", "write the hash of every seed");
  app.add_option("--set", settings,
                 "an option of the run, like points_max=1000, or real_threads=1: on OS threads "
                 "that take turns, slow (docs/real-threads.md); repeatable")
      ->type_name("NAME=N")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_flag("--quiet", quiet, "no progress");
}

run::ProcessBounds process_bounds(const SweepFlags& flags) {
  constexpr uint64_t kMostMib = 1u << 24;
  run::ProcessBounds bounds;
  if (!flags.stuck.empty()) {
    auto wait = std::chrono::ceil<std::chrono::seconds>(parse_duration("--stuck", flags.stuck));
    bounds.stuck_seconds = static_cast<int>(wait.count());
  }
  if (!flags.memory_max.empty())
    bounds.resident_mib = parse_number("--memory-max", flags.memory_max, 1, kMostMib);
  return bounds;
}

SweepCommand::SweepCommand(const SweepFlags& flags) : flags_(flags), json_(flags.json) {
  SeedRange range{0, kDefaultSeeds};
  if (!flags.seeds.empty()) range = parse_seeds("--seeds", flags.seeds);
  if (!flags.seed.empty()) {
    range.first = parse_seed("--seed", flags.seed);
    range.end = range.first + 1;
    if (range.end == 0) throw UsageError{"--seed " + flags.seed + ": the largest seed is 2^64 - 2"};
  }
  if (!flags.duration.empty()) {
    base_.budget = parse_duration("--for", flags.duration);
    open_ended_ = flags.seeds.empty() && flags.seed.empty();
    if (open_ended_) range = {0, kOpenEnd};
  }
  if (!flags.shard.empty()) range = shard_of(range, flags.shard);
  base_.first = range.first;
  base_.end = range.end;
  unsigned processors = std::max(1u, std::thread::hardware_concurrency());
  uint64_t jobs = flags.jobs.empty() ? processors : parse_number("--jobs", flags.jobs, 1, kJobsMax);
  uint64_t count = range.end - range.first;
  base_.jobs = static_cast<unsigned>(std::clamp<uint64_t>(std::min(jobs, count), 1, kJobsMax));
  base_.mix = mix_named(flags.strategy, flags.profile);
  base_.overrides = parse_overrides(flags.settings);
  flags.judges.apply(base_.overrides);
  base_.network = network_named(flags.network);
  if (flags.audit || flags.audit_moved) base_.audit_percent = 100;
  base_.audit_moved = flags.audit_moved;
  base_.fail_fast = flags.fail_fast;
  base_.bounds = process_bounds(flags);
  base_.keep_hashes = !flags.hashes.empty();
}

run::SweepRequest SweepCommand::request_for(const Suite& suite) const {
  run::SweepRequest request = base_;
  request.suite = &suite;
  return request;
}

// Into the database at once; returns the token's line.
std::string SweepCommand::remember(const run::SweepRequest& request,
                                   const run::SweepFailure& failure) {
  std::string token =
      run::encode_or_write(run::make_token(failure.plan, failure.result, build_of(failure.plan)));
  if (db_.empty()) {
    std::string path = flags_.db.empty() ? kDefaultDb : flags_.db;
    auto opened = run::FailuresDb::open(path, true);
    if (auto* message = std::get_if<std::string>(&opened)) {
      std::fprintf(stderr, "pollux: %s\n", message->c_str());
      return token;
    }
    db_.push_back(std::get<run::FailuresDb>(std::move(opened)));
  }
  run::Failure row;
  row.suite = request.suite->name();
  row.seed = std::to_string(failure.seed);
  row.profile = request.mix->profile.name;
  row.strategy = run::to_string(request.mix->strategy);
  row.verdict = to_string(failure.result.verdict);
  row.property = run::property_of(failure.result);
  row.reason = failure.result.reason;
  row.workload = failure.plan.workload;
  row.hash = run::hex(failure.result.hash);
  row.build = run::build_id();
  row.token = token;
  std::string error = db_.front().add(row);
  if (!error.empty()) std::fprintf(stderr, "pollux: failures database: %s\n", error.c_str());
  return token;
}

class SweepCommand::Listener final : public run::SweepListener {
 public:
  Listener(SweepCommand& command, const run::SweepRequest& request)
      : command_(command),
        request_(request),
        progress_(command.flags_.quiet || command.flags_.json ? Progress::Kind::none
                                                              : Progress::suitable(),
                  std::string(request.suite->name())) {}

  void on_failure(const run::SweepFailure& failure) override {
    std::string token = command_.remember(request_, failure);
    command_.json_.verdict(request_, failure, token);
    std::string line = headline(failure.result);
    Verdict verdict = failure.result.verdict;
    code_ = worse(code_, exit_code_of(verdict));
    if (!command_.json_.on()) {
      progress_.clear();
      if (++lines_ <= kFailureLines) {
        std::printf("seed %llu: %s\n", static_cast<unsigned long long>(failure.seed), line.c_str());
      } else if (lines_ == kFailureLines + 1) {
        std::printf("... more failures are in the database only (pollux seeds)\n");
      }
      std::fflush(stdout);
    }
    if (junit_.size() < kJunitFailures) {
      junit_.push_back({"seed " + std::to_string(failure.seed), std::string(to_string(verdict)),
                        line, "pollux replay " + token});
    }
    // Which one is shown in full does not depend on the order of arrival.
    if (!first_ || failure.seed < first_->seed) {
      first_ = failure;
      first_token_ = token;
    }
  }

  void on_progress(const run::SweepTotals& totals, double share) override {
    progress_.show(totals, share);
    if (command_.json_.on() && totals.seconds - last_json_ >= 10) {
      last_json_ = totals.seconds;
      command_.json_.progress(request_, totals, share);
    }
  }

  void done() { progress_.clear(); }

  int code_ = exit_code::kHeld;
  std::vector<JunitSuite::Failure> junit_;
  std::optional<run::SweepFailure> first_;
  std::string first_token_;

 private:
  SweepCommand& command_;
  const run::SweepRequest& request_;
  Progress progress_;
  size_t lines_ = 0;
  double last_json_ = 0;
};

// Twice more, with every step on record. They run in one process, as the two that differed did.
void SweepCommand::print_divergence(const run::SweepFailure& failure) const {
  std::unique_ptr<run::Runner> runner = make_runner(failure.plan);
  RunResult first = runner->run(failure.plan, {.trace = true, .steps = true});
  RunResult second =
      runner->run(failure.plan, {.trace = true, .steps = true, .moved = base_.audit_moved});
  auto divergence = run::first_divergence(first, second);
  std::printf("\nnot deterministic: seed %llu of %s\n",
              static_cast<unsigned long long>(failure.seed),
              std::string(failure.plan.suite->name()).c_str());
  if (divergence) {
    std::fputs(divergence->report.c_str(), stdout);
  } else {
    std::printf(
        "  two more runs of the seed alone are the same: what differed depends on the runs before "
        "it\n");
  }
}

int SweepCommand::run_one(const run::SweepRequest& request) {
  json_.start(request);
  if (!json_.on()) {
    std::string range =
        open_ended_ ? "as many seeds as fit into " + flags_.duration
                    : "seeds " + std::to_string(request.first) + ".." + std::to_string(request.end);
    std::printf("%s: %s, profile %s, strategy %s, %u jobs, build %s\n",
                std::string(request.suite->name()).c_str(), range.c_str(),
                request.mix->profile.name.c_str(), run::to_string(request.mix->strategy).c_str(),
                request.jobs, run::build_id().c_str());
    std::fflush(stdout);
  }
  Listener listener(*this, request);
  run::SweepTotals totals = run::sweep(request, listener);
  listener.done();

  int code = listener.code_;
  if (totals.runs == 0) code = worse(code, exit_code::kNothingRan);
  bool cut_short = !totals.complete && !open_ended_ && !(request.fail_fast && listener.first_);
  if (totals.interrupted) {
    interrupted_ = true;
    code = worse(code, kInterrupted);
  } else if (cut_short) {
    code = worse(code, exit_code::kInconclusive);
  }
  json_.summary(request, totals, code);
  if (!json_.on()) {
    print_summary(request, totals);
    if (totals.interrupted) std::printf("  interrupted: not every seed was run\n");
    if (!totals.interrupted && cut_short) std::printf("  time was up before every seed was run\n");
  }
  if (!flags_.hashes.empty()) {
    std::ofstream file(flags_.hashes, std::ios::app);
    for (size_t i = 0; i < totals.hashes.size(); ++i) {
      file << request.suite->name() << " " << request.first + i << " " << run::hex(totals.hashes[i])
           << "\n";
    }
    file.close();
    if (!file) std::fprintf(stderr, "pollux: can not write '%s'\n", flags_.hashes.c_str());
  }
  junit_.push_back({std::string(request.suite->name()), std::to_string(totals.held) + " seeds held",
                    totals.seconds, totals.runs, listener.junit_});
  if (listener.first_ && !json_.on()) {
    const run::SweepFailure& first = *listener.first_;
    if (first.result.verdict == Verdict::diverged) print_divergence(first);
    char* text = nullptr;
    size_t size = 0;
    std::FILE* memory = ::open_memstream(&text, &size);
    const RunResult shown =
        run::with_both_stacks(first.plan, first.result, *make_runner(first.plan));
    print_failure(first.plan, shown, "seed " + std::to_string(first.seed), listener.first_token_,
                  memory);
    std::fclose(memory);
    last_words_.assign(text, size);
    std::free(text);
  }
  return code;
}

int SweepCommand::run(const std::vector<const Suite*>& suites,
                      std::function<RunResult(const run::Plan&, const run::Watch&)> carry_out) {
  if (!flags_.hashes.empty()) std::ofstream(flags_.hashes, std::ios::trunc);
  int code = suites.empty() || base_.first == base_.end ? exit_code::kNothingRan : exit_code::kHeld;
  for (const Suite* suite : suites) {
    if (base_.first == base_.end || interrupted_) break;
    run::SweepRequest request = request_for(*suite);
    request.carry_out = carry_out;
    code = worse(code, run_one(request));
    if (base_.fail_fast && code != exit_code::kHeld) break;
  }
  if (!flags_.junit.empty() && !write_junit(flags_.junit, junit_)) {
    std::fprintf(stderr, "pollux: can not write '%s'\n", flags_.junit.c_str());
    code = worse(code, exit_code::kInternal);
  }
  if (code == exit_code::kNothingRan)
    std::fprintf(stderr, "pollux: nothing ran: the selection is empty\n");
  std::fputs(last_words_.c_str(), stdout);
  return code;
}

}  // namespace pollux::cli

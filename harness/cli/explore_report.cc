// SPDX-License-Identifier: MIT
#include "cli/explore_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/progress.h"
#include "cli/report.h"
#include "run/build_info.h"
#include "run/text_code.h"

namespace pollux::cli {
namespace {

using Json = nlohmann::json;

constexpr double kLineEvery = 10;  // seconds

std::string counted(unsigned n, const char* one) {
  return std::to_string(n) + " " + one + (n == 1 ? "" : "s");
}

std::string bound_of(unsigned preemptions, unsigned faults) {
  std::string text = "at most " + counted(preemptions, "preemption");
  return faults == 0 ? text : text + " and " + counted(faults, "fault");
}

void print_json(Json json) {
  json["v"] = 1;
  std::printf("%s\n", json.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  std::fflush(stdout);
}

Json counts(const run::ExploreTotals& totals) {
  Json levels = Json::array();
  for (const run::ExploreLevel& level : totals.levels) {
    levels.push_back({{"preemptions", level.preemptions},
                      {"faults", level.faults},
                      {"runs", std::to_string(level.runs)},
                      {"wall_ns", std::to_string(std::llround(level.seconds * 1e9))},
                      {"complete", level.complete}});
  }
  return {{"levels", levels}, {"runs", std::to_string(totals.runs)}};
}

}  // namespace

ExploreReport::ExploreReport(const run::ExploreRequest& request, bool json, bool quiet)
    : request_(request),
      json_(json),
      quiet_(quiet),
      terminal_(Progress::suitable() == Progress::Kind::bar) {}

void ExploreReport::start() const {
  std::string suite(request_.suite->name());
  if (json_) {
    print_json({{"event", "start"},
                {"suite", suite},
                {"workload", request_.workload},
                {"preemptions", request_.preemptions},
                {"faults", request_.faults},
                {"reduction", request_.reduction},
                {"profile", request_.profile.name},
                {"build", run::build_id()},
                {"compiler", run::compiler()}});
    return;
  }
  std::printf("%s: every run with %s", suite.c_str(),
              bound_of(request_.preemptions, request_.faults).c_str());
  if (request_.faults != 0) std::printf(", profile %s", request_.profile.name.c_str());
  std::printf(", build %s\n  workload: %s\n", run::build_id().c_str(),
              request_.suite->describe(request_.workload).c_str());
  std::fflush(stdout);
}

void ExploreReport::print_level(const run::ExploreLevel& level) const {
  std::printf("  %s: %llu runs in %.1f s\n", bound_of(level.preemptions, level.faults).c_str(),
              static_cast<unsigned long long>(level.runs), level.seconds);
  std::fflush(stdout);
}

void ExploreReport::on_progress(const run::ExploreTotals& totals) {
  double every = terminal_ && !json_ ? 0.1 : kLineEvery;
  if (!json_) {
    while (levels_printed_ < totals.levels.size() && totals.levels[levels_printed_].complete) {
      if (terminal_ && !quiet_) std::fputs("\r\033[K", stderr);
      print_level(totals.levels[levels_printed_++]);
    }
  }
  if (totals.levels.empty() || totals.seconds - last_ < every) return;
  last_ = totals.seconds;
  const run::ExploreLevel& level = totals.levels.back();
  if (json_) {
    Json json = counts(totals);
    json["event"] = "progress";
    json["suite"] = std::string(request_.suite->name());
    print_json(json);
    return;
  }
  if (quiet_) return;
  double rate = static_cast<double>(level.runs) / std::max(level.seconds, 1e-9);
  std::fprintf(stderr, "%s%s: %s: %llu runs, %s runs/s, %.0f s%s", terminal_ ? "\r\033[K" : "",
               std::string(request_.suite->name()).c_str(),
               bound_of(level.preemptions, level.faults).c_str(),
               static_cast<unsigned long long>(level.runs), short_number(rate).c_str(),
               totals.seconds, terminal_ ? "" : "\n");
  std::fflush(stderr);
}

void ExploreReport::print_bound(const run::ExploreTotals& totals) const {
  if (totals.bound_runs == 0) return;
  if (totals.bound_error != 0) {
    std::printf("  without reduction the bound has about %s runs (estimate, standard error %s)",
                short_number(totals.bound_runs).c_str(), short_number(totals.bound_error).c_str());
  } else {
    std::printf("  without reduction the bound has %.0f runs", totals.bound_runs);
  }
  if (totals.complete && request_.reduction) {
    auto left = static_cast<double>(totals.levels.back().runs);
    std::printf("; it left %.0f (%.3g %%)", left, 100 * left / totals.bound_runs);
  }
  std::printf("\n");
}

void ExploreReport::print_end(const run::ExploreTotals& totals) const {
  print_bound(totals);
  std::printf("  %llu runs, %s points in %.1f s\n", static_cast<unsigned long long>(totals.runs),
              short_number(static_cast<double>(totals.points)).c_str(), totals.seconds);
  if (!totals.diverged.empty()) {
    std::printf("not deterministic: %s\n", totals.diverged.c_str());
  } else if (totals.complete) {
    std::printf("complete: no violation within the bound\n");
  } else if (!totals.failure) {
    std::printf("%s: what was explored holds, the bound is not covered\n",
                totals.interrupted ? "interrupted" : "time is up");
  }
}

void ExploreReport::json_end(const run::ExploreTotals& totals, const std::string& token,
                             int exit_code) const {
  std::string suite(request_.suite->name());
  if (totals.failure) {
    print_json({{"event", "verdict"},
                {"suite", suite},
                {"verdict", std::string(to_string(totals.failure->verdict))},
                {"property", run::property_of(*totals.failure)},
                {"reason", totals.failure->reason},
                {"workload", request_.workload},
                {"hash", run::hex(totals.failure->hash)},
                {"token", token}});
  }
  Json json = counts(totals);
  json["event"] = "summary";
  json["suite"] = suite;
  json["points"] = std::to_string(totals.points);
  json["wall_ns"] = std::to_string(std::llround(totals.seconds * 1e9));
  json["complete"] = totals.complete;
  if (totals.bound_runs != 0) {
    json["bound_runs"] = totals.bound_runs;
    json["bound_runs_error"] = totals.bound_error;  // 0: exact
  }
  if (!totals.diverged.empty()) json["diverged"] = totals.diverged;
  json["exit_code"] = exit_code;
  print_json(json);
}

void ExploreReport::end(const run::ExploreTotals& totals, const std::string& token, int exit_code) {
  if (json_) {
    json_end(totals, token, exit_code);
    return;
  }
  if (terminal_ && !quiet_) std::fputs("\r\033[K", stderr);
  while (levels_printed_ < totals.levels.size() && totals.levels[levels_printed_].complete) {
    print_level(totals.levels[levels_printed_++]);
  }
  print_end(totals);
  if (totals.failure) {
    std::string number = "run " + std::to_string(totals.runs);
    print_failure(totals.plan, *totals.failure, number, token);
  }
}

}  // namespace pollux::cli

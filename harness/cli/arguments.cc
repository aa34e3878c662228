// SPDX-License-Identifier: MIT
#include "cli/arguments.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "cli/exec_suite.h"
#include "run/nearest.h"

namespace pollux::cli {
namespace {

bool read_number(std::string_view text, uint64_t& value, int base = 10) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

[[noreturn]] void refuse(std::string_view flag, std::string_view text, std::string_view right) {
  throw UsageError{std::string(flag) + " '" + std::string(text) + "': " + std::string(right)};
}

}  // namespace

uint64_t parse_number(std::string_view flag, std::string_view text, uint64_t min, uint64_t max) {
  uint64_t value = 0;
  if (read_number(text, value) && value >= min && value <= max) return value;
  refuse(flag, text,
         "use a whole number from " + std::to_string(min) + " to " + std::to_string(max));
}

uint64_t parse_seed(std::string_view flag, std::string_view text) {
  uint64_t value = 0;
  if (read_number(text, value)) return value;
  if (text.size() == 40) {
    uint64_t low = 0, middle = 0;
    if (read_number(text.substr(0, 16), value, 16) &&
        read_number(text.substr(16, 16), middle, 16) && read_number(text.substr(32), low, 16)) {
      return value;
    }
  }
  refuse(flag, text, "use a whole number below 2^64, or a git hash of 40 digits");
}

SeedRange parse_seeds(std::string_view flag, std::string_view text) {
  SeedRange range;
  size_t dots = text.find("..");
  if (dots != std::string_view::npos && read_number(text.substr(0, dots), range.first) &&
      read_number(text.substr(dots + 2), range.end) && range.first < range.end) {
    return range;
  }
  refuse(flag, text, "use A..B with A < B, which runs A up to but not including B, like 0..1000");
}

std::chrono::milliseconds parse_duration(std::string_view flag, std::string_view text) {
  constexpr std::pair<std::string_view, uint64_t> kUnits[] = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  constexpr uint64_t kMax = 1000ull * 3'600'000;
  for (auto [unit, factor] : kUnits) {
    if (!text.ends_with(unit)) continue;
    uint64_t value = 0;
    if (!read_number(text.substr(0, text.size() - unit.size()), value)) continue;
    if (value == 0 || value > kMax / factor) break;
    return std::chrono::milliseconds(value * factor);
  }
  refuse(flag, text, "use a duration up to 1000h with its unit, like 500ms, 30s, 5m or 2h");
}

SeedRange shard_of(SeedRange range, std::string_view text) {
  size_t slash = text.find('/');
  uint64_t part = 0, parts = 0;
  bool good = slash != std::string_view::npos && read_number(text.substr(0, slash), part) &&
              read_number(text.substr(slash + 1), parts) && part >= 1 && part <= parts;
  if (!good) refuse("--shard", text, "use K/N with K from 1 to N, like 2/8");
  uint64_t count = range.end - range.first;
  auto bound = [&](uint64_t k) {
    return range.first + static_cast<uint64_t>(static_cast<unsigned __int128>(count) * k / parts);
  };
  return {bound(part - 1), bound(part)};
}

run::Overrides parse_overrides(const std::vector<std::string>& settings) {
  run::Overrides overrides;
  for (const std::string& setting : settings) {
    size_t equals = setting.find('=');
    uint64_t value = 0;
    if (equals == std::string::npos ||
        !read_number(std::string_view(setting).substr(equals + 1), value) || value > INT64_MAX) {
      refuse("--set", setting, "use NAME=NUMBER, like points_max=100000");
    }
    std::string name = setting.substr(0, equals);
    RunOptions scratch;
    if (!run::apply_override(scratch, name, 1)) {
      throw UsageError{"--set " + name + ": no such option of a run" +
                       run::did_you_mean(name, run::override_names())};
    }
    if (!overrides.emplace(name, static_cast<int64_t>(value)).second) {
      throw UsageError{"--set " + name + " was given twice: give it once"};
    }
  }
  return overrides;
}

void JudgeFlags::add(CLI::App& app) {
  app.add_flag("--races", races, "look for data races (docs/memory-model.md says which)");
  app.add_flag("--leaks", leaks,
               "look for memory that the program has lost when it ends (docs/judges.md)");
  app.add_flag("--strict", strict,
               "what the judges only note (docs/judges.md) is a violation: a double close, "
               "locks in an order that may deadlock, ...");
  app.add_option("--memory", memory,
                 "strong, or weak: loads of atomics may read old stores where their order allows "
                 "it (strong)")
      ->type_name("KIND");
}

void JudgeFlags::apply(run::Overrides& overrides) const {
  if (memory != "strong" && memory != "weak") {
    refuse("--memory", memory, "use strong or weak");
  }
  if (races) overrides["races"] = 1;
  if (leaks) overrides["memory_leaks"] = 1;
  if (strict) overrides["strict"] = 1;
  if (memory == "weak") overrides["weak_memory"] = 1;
}

const Suite& suite_named(std::string_view name) {
  const Suite* suite = find_suite(name);
  if (suite != nullptr && name != kExecSuite) return *suite;
  std::vector<std::string_view> names = run::suite_names();
  std::erase(names, kExecSuite);
  if (names.empty())
    throw UsageError{"unknown suite '" + std::string(name) + "': this binary has none"};
  throw UsageError{"unknown suite '" + std::string(name) + "'" + run::did_you_mean(name, names)};
}

std::shared_ptr<const run::Mix> mix_named(const std::string& strategy, const std::string& profile) {
  auto spec = run::parse_strategy(strategy);
  if (auto* message = std::get_if<std::string>(&spec)) throw UsageError{"--strategy " + *message};
  auto loaded = faults::load_profile(profile);
  if (auto* error = std::get_if<faults::ProfileError>(&loaded)) throw UsageError{error->message};
  return run::make_mix(std::get<run::StrategySpec>(spec),
                       std::get<faults::Profile>(std::move(loaded)));
}

std::shared_ptr<const run::Mix> mix_of(const run::Plan& plan) {
  if (auto* drawn = std::get_if<run::Drawn>(&plan.choices)) return drawn->mix;
  const auto& deviations = std::get<std::vector<Deviation>>(plan.choices);
  bool faults = std::any_of(deviations.begin(), deviations.end(),
                            [](const Deviation& d) { return d.site >= site::kFirstFault; });
  return mix_named("random", faults ? "legal" : "calm");
}

std::shared_ptr<const run::NetworkFile> network_named(const std::string& path) {
  if (path.empty()) return nullptr;
  auto loaded = run::load_network(path);
  if (auto* error = std::get_if<run::NetworkFileError>(&loaded)) {
    throw UsageError{"--network: " + error->message};
  }
  return std::get<0>(std::move(loaded));
}

void reject_duplicates(const std::vector<std::string>& arguments,
                       const std::vector<std::string_view>& repeatable) {
  std::set<std::string> seen;
  for (const std::string& argument : arguments) {
    if (!argument.starts_with("--") || argument.size() == 2) continue;
    std::string name = argument.substr(0, argument.find('='));
    if (std::find(repeatable.begin(), repeatable.end(), name) != repeatable.end()) continue;
    if (!seen.insert(name).second) throw UsageError{name + " was given twice: give it once"};
  }
}

}  // namespace pollux::cli

// SPDX-License-Identifier: MIT
#include "run/plan.h"

#include <charconv>
#include <utility>

#include "explore/race_shadow.h"
#include "pollux/bytes_strategy.h"
#include "run/text_code.h"

namespace pollux::run {
namespace {

bool parse_number(std::string_view text, uint64_t& value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// Not the strategy's own stream: only which length a PCT run is planned for.
uint64_t drawn_pct_length(uint64_t seed) {
  uint64_t mixed = (seed + 0x9E3779B97F4A7C15ull) * 0xBF58476D1CE4E5B9ull;
  return uint64_t{64} << ((mixed >> 40) % 9);
}

struct Field {
  std::string_view name;
  void (*set)(RunOptions&, int64_t);
  bool of_network = false;
};

template <auto Member>
constexpr Field field(std::string_view name) {
  return {name, [](RunOptions& options, int64_t value) {
            using Type = std::remove_reference_t<decltype(options.*Member)>;
            options.*Member = static_cast<Type>(value);
          }};
}
template <auto Member>
constexpr Field network_field(std::string_view name) {
  return {name,
          [](RunOptions& options, int64_t value) {
            using Type = std::remove_reference_t<decltype(options.network.*Member)>;
            options.network.*Member = static_cast<Type>(value);
          },
          true};
}

// Names appear in tokens: append only.
constexpr Field kFields[] = {
    field<&RunOptions::points_max>("points_max"),
    field<&RunOptions::calls_max>("calls_max"),
    field<&RunOptions::virtual_time_max_ns>("virtual_time_max_ns"),
    field<&RunOptions::spin_returns_max>("spin_returns_max"),
    field<&RunOptions::plain_points>("plain_points"),
    field<&RunOptions::check_leaks>("check_leaks"),
    field<&RunOptions::fd_limit>("fd_limit"),
    field<&RunOptions::call_cost_ns>("call_cost_ns"),
    field<&RunOptions::clock_cost_ns>("clock_cost_ns"),
    network_field<&NetworkOptions::latency_min_ns>("latency_min_ns"),
    network_field<&NetworkOptions::latency_max_ns>("latency_max_ns"),
    network_field<&NetworkOptions::send_buffer_bytes>("send_buffer_bytes"),
    network_field<&NetworkOptions::receive_buffer_bytes>("receive_buffer_bytes"),
    network_field<&NetworkOptions::segment_max_bytes>("segment_max_bytes"),
    field<&RunOptions::races>("races"),
    field<&RunOptions::weak_memory>("weak_memory"),
    field<&RunOptions::strict>("strict"),
    field<&RunOptions::real_threads>("real_threads"),
    field<&RunOptions::memory_leaks>("memory_leaks"),
};

std::vector<double> rates_of(const faults::Profile& profile) {
  std::vector<double> rates(faults::points().size(), 0.0);
  for (const faults::ProfileFault& fault : profile.faults) rates[fault.point] = fault.rate;
  return rates;
}

constexpr std::string_view kPlainNames[] = {"random", "pos",         "active", "surw",
                                            "walk",   "round-robin", "bytes"};

// Nothing has to follow it.
bool is_whole_name(StrategySpec::Plain plain) {
  return plain != StrategySpec::Plain::surw && plain != StrategySpec::Plain::bytes;
}

bool parse_counts(std::string_view text, std::vector<uint32_t>& counts) {
  for (bool more = true; more;) {
    size_t comma = text.find(',');
    uint64_t count = 0;
    if (!parse_number(text.substr(0, comma), count)) return false;
    if (count > UINT32_MAX || counts.size() == kThreadsMax) return false;
    counts.push_back(static_cast<uint32_t>(count));
    more = comma != std::string_view::npos;
    if (more) text.remove_prefix(comma + 1);
  }
  return true;
}

std::unique_ptr<Strategy> make_plain_strategy(const StrategySpec& spec, uint64_t seed,
                                              std::vector<double> rates, double swarm) {
  switch (spec.plain) {
    case StrategySpec::Plain::random:
      return make_random_strategy(seed, std::move(rates), swarm);
    case StrategySpec::Plain::pos:
      return make_pos_strategy(seed, std::move(rates), swarm);
    case StrategySpec::Plain::active:
      return make_active_strategy(seed, std::move(rates), swarm);
    case StrategySpec::Plain::surw:
      return make_surw_strategy(seed, spec.surw_counts, std::move(rates), swarm);
    case StrategySpec::Plain::walk:
      return make_walk_strategy(seed, std::move(rates), swarm);
    case StrategySpec::Plain::round_robin:
      return make_round_robin_strategy(seed, std::move(rates), swarm);
    case StrategySpec::Plain::bytes:
      return make_bytes_strategy(spec.bytes);
  }
  return nullptr;
}

std::unique_ptr<Strategy> draw_strategy(const Drawn& drawn) {
  const StrategySpec& spec = drawn.mix->strategy;
  const faults::Profile& profile = drawn.mix->profile;
  if (spec.pct_depth == 0) {
    return make_plain_strategy(spec, drawn.seed, rates_of(profile), profile.swarm);
  }
  uint64_t length = spec.pct_length != 0 ? spec.pct_length : drawn_pct_length(drawn.seed);
  return make_pct_strategy(drawn.seed, spec.pct_depth, length, rates_of(profile), profile.swarm);
}

void arm(const faults::Profile& profile, std::vector<bool>& wanted) {
  for (const faults::ProfileFault& fault : profile.faults) wanted[fault.point] = true;
}

}  // namespace

std::string to_string(const StrategySpec& spec) {
  if (spec.pct_depth == 0) {
    std::string text(kPlainNames[static_cast<size_t>(spec.plain)]);
    for (size_t i = 0; i < spec.surw_counts.size(); ++i) {
      text += (i == 0 ? ":" : ",") + std::to_string(spec.surw_counts[i]);
    }
    if (spec.plain == StrategySpec::Plain::bytes) text += ":" + encode_hex(spec.bytes);
    return text;
  }
  std::string text = "pct:" + std::to_string(spec.pct_depth);
  if (spec.pct_length != 0) text += ":" + std::to_string(spec.pct_length);
  return text;
}

std::variant<StrategySpec, std::string> parse_strategy(std::string_view text) {
  StrategySpec spec;
  for (size_t i = 0; i < std::size(kPlainNames); ++i) {
    spec.plain = static_cast<StrategySpec::Plain>(i);
    if (text == kPlainNames[i] && is_whole_name(spec.plain)) return spec;
  }
  constexpr std::string_view kSurw = "surw:";
  if (text.starts_with(kSurw) && parse_counts(text.substr(kSurw.size()), spec.surw_counts)) {
    spec.plain = StrategySpec::Plain::surw;
    return spec;
  }
  constexpr std::string_view kBytes = "bytes:";
  if (text.starts_with(kBytes)) {
    if (auto bytes = decode_hex(text.substr(kBytes.size()))) {
      spec.plain = StrategySpec::Plain::bytes;
      spec.bytes = std::move(*bytes);
      return spec;
    }
  }
  spec = {};
  constexpr std::string_view kPrefix = "pct:";
  if (text.starts_with(kPrefix)) {
    std::string_view depth = text.substr(kPrefix.size()), length;
    size_t colon = depth.find(':');
    if (colon != std::string_view::npos) {
      length = depth.substr(colon + 1);
      depth = depth.substr(0, colon);
    }
    uint64_t number = 0;
    bool good = parse_number(depth, number) && number >= 1 && number <= 100;
    spec.pct_depth = static_cast<unsigned>(number);
    if (good && colon != std::string_view::npos) {
      good = parse_number(length, spec.pct_length) && spec.pct_length >= 1;
    }
    if (good) return spec;
  }
  return "'" + std::string(text) +
         "' is no strategy: use random, pct:DEPTH (DEPTH from 1 to 100), pct:DEPTH:POINTS, pos, "
         "active, surw:POINTS,POINTS,... (of each thread), walk, round-robin or bytes:HEX";
}

std::shared_ptr<const Mix> make_mix(StrategySpec strategy, faults::Profile profile) {
  return std::make_shared<const Mix>(Mix{strategy, std::move(profile)});
}

bool apply_override(RunOptions& options, std::string_view name, int64_t value) {
  for (const Field& field : kFields) {
    if (field.name != name) continue;
    field.set(options, value);
    return true;
  }
  return false;
}

std::vector<std::string_view> override_names() {
  std::vector<std::string_view> names;
  for (const Field& field : kFields) names.push_back(field.name);
  return names;
}

std::string member_of_options(std::string_view name) {
  for (const Field& field : kFields) {
    if (field.name == name && field.of_network) return "network." + std::string(name);
  }
  return std::string(name);
}

std::string property_of(const RunResult& result) {
  bool named = result.verdict == Verdict::violation || result.verdict == Verdict::crash ||
               result.verdict == Verdict::data_race || result.verdict == Verdict::leaked_memory;
  std::string name = named ? result.reason.substr(0, result.reason.find(": ")) : "";
  return name.empty() ? std::string(to_string(result.verdict)) : name;
}

std::unique_ptr<Strategy> make_strategy(const Plan& plan) {
  std::unique_ptr<Strategy> strategy;
  if (auto* deviations = std::get_if<std::vector<Deviation>>(&plan.choices)) {
    strategy = make_replay_strategy(*deviations);
  } else {
    strategy = draw_strategy(std::get<Drawn>(plan.choices));
  }
  if (!plan.then) return strategy;
  return make_prefix_strategy(std::move(strategy), plan.then->from,
                              draw_strategy(plan.then->drawn));
}

RunOptions make_options(const Plan& plan) {
  RunOptions options;
  // A point that is not armed answers no, as an armed one does by default: of a list of deviations
  // only the deviating ones need to be.
  std::vector<bool> wanted(faults::points().size());
  if (auto* deviations = std::get_if<std::vector<Deviation>>(&plan.choices)) {
    for (const Deviation& deviation : *deviations) {
      size_t point = deviation.site - size_t{site::kFirstFault};
      if (deviation.site >= site::kFirstFault && point < wanted.size()) wanted[point] = true;
    }
  } else {
    arm(std::get<Drawn>(plan.choices).mix->profile, wanted);
  }
  if (plan.then) arm(plan.then->drawn.mix->profile, wanted);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i]) options.fault_points.push_back(static_cast<faults::PointId>(i));
  }
  if (plan.suite != nullptr) plan.suite->adjust(plan.workload, options);
  if (plan.network != nullptr) {
    options.plan = std::shared_ptr<const NetworkPlan>(plan.network, &plan.network->plan);
  }
  for (const auto& [name, value] : plan.overrides) apply_override(options, name, value);
  return options;
}

RunResult execute(const Plan& plan, const Watch& watch, Strategy* instead) {
  RunOptions options = make_options(plan);
  std::unique_ptr<Strategy> own;
  if (instead == nullptr) own = make_strategy(plan);
  options.strategy = instead != nullptr ? instead : own.get();
  options.trace = watch.trace;
  options.record_steps = watch.steps;
  options.log_steps = watch.log;
  if (watch.points_max != 0) options.points_max = watch.points_max;
  if (watch.calls_max != 0) options.calls_max = watch.calls_max;
  explore::keep_stack_of(watch.stack_of);
  World world(options);
  plan.suite->populate(plan.workload, world);
  return world.run();
}

}  // namespace pollux::run

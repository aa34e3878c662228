// SPDX-License-Identifier: MIT
#include "models/network_scenario.h"

#include <charconv>

namespace pollux::properties {
namespace {

using Event = NetworkScenario::Event;

constexpr std::string_view kEvents[] = {"", "cut", "there", "back", "off", "half", "reset"};
constexpr std::string_view kEventWords[] = {"",
                                            "no packet between server and clients",
                                            "no packet from the clients",
                                            "no packet to the clients",
                                            "the first client's host is off",
                                            "what lies between forgets all connections",
                                            "all connections are reset"};
constexpr int64_t kMs = 1'000'000;
constexpr int64_t kLongest = 20;  // times the least latency

bool lasts(Event event) { return event != Event::half && event != Event::reset; }

// splitmix64: which scenario a seed stands for is the same in every build.
class Draw {
 public:
  explicit Draw(uint64_t seed) : state_(seed ^ 0x6E6574776F726BULL) {}
  uint32_t below(uint32_t n) {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    z ^= z >> 31;
    return static_cast<uint32_t>(((z >> 32) * n) >> 32);
  }
  uint32_t between(uint32_t low, uint32_t high) { return low + below(high - low + 1); }

 private:
  uint64_t state_;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::variant<NetworkScenario, std::string> parse() {
    NetworkScenario s;
    bool good = number('c', 1, kScenarioClientsMax, s.clients) &&
                number('m', 1, 1000, s.messages) && number('b', 1, 1'000'000, s.bytes) &&
                duration('d', s.deadline_ms, "ms") && latency(s) &&
                number('x', 0, 1'000'000, s.loss_one_in) && event(s);
    if (!good) {
      return "network scenario, character " + std::to_string(at_ + 1) + ": " + wrong_ +
             "; a whole one is c1;m5;b100;d900000ms;k1000us;x0;cut@40ms+3000ms";
    }
    return s;
  }

 private:
  bool refuse(std::string what) {
    wrong_ = std::move(what);
    return false;
  }
  bool literal(std::string_view wanted) {
    if (!text_.substr(at_).starts_with(wanted)) {
      return refuse("'" + std::string(wanted) + "' expected");
    }
    at_ += wanted.size();
    return true;
  }
  bool digits(uint32_t min, uint32_t max, uint32_t& value) {
    const char* from = text_.data() + at_;
    auto [end, error] = std::from_chars(from, text_.data() + text_.size(), value);
    if (error != std::errc() || value < min || value > max) {
      return refuse("a number from " + std::to_string(min) + " to " + std::to_string(max) +
                    " expected");
    }
    at_ += static_cast<size_t>(end - from);
    return true;
  }
  bool number(char letter, uint32_t min, uint32_t max, uint32_t& value) {
    return (letter == 'c' || literal(";")) && literal({&letter, 1}) && digits(min, max, value);
  }
  bool duration(char letter, uint32_t& value, std::string_view unit) {
    return literal(";") && literal({&letter, 1}) && digits(1, 100'000'000, value) && literal(unit);
  }
  bool latency(NetworkScenario& s) {
    for (char shape : {'k', 'u', 'h'}) {
      if (!text_.substr(at_).starts_with(std::string{';', shape})) continue;
      s.latency = shape;
      return duration(shape, s.least_us, "us");
    }
    return refuse("';k', ';u' or ';h' expected");
  }
  bool event(NetworkScenario& s) {
    if (at_ == text_.size()) return true;
    if (!literal(";")) return false;
    for (size_t i = 1; i < std::size(kEvents); ++i) {
      if (!text_.substr(at_).starts_with(std::string(kEvents[i]) + '@')) continue;
      s.event = static_cast<Event>(i);
      at_ += kEvents[i].size() + 1;
      bool good = digits(0, 100'000'000, s.at_ms) && literal("ms");
      if (good && lasts(s.event)) {
        good = literal("+") && digits(1, 100'000'000, s.lasts_ms) && literal("ms");
      }
      if (good && at_ != text_.size()) return refuse("the end expected");
      return good;
    }
    return refuse("cut@, there@, back@, off@, half@ or reset@ expected");
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string wrong_;
};

}  // namespace

std::string to_text(const NetworkScenario& s) {
  std::string text = "c" + std::to_string(s.clients) + ";m" + std::to_string(s.messages) + ";b" +
                     std::to_string(s.bytes) + ";d" + std::to_string(s.deadline_ms) + "ms;" +
                     s.latency + std::to_string(s.least_us) + "us;x" +
                     std::to_string(s.loss_one_in);
  if (s.event == Event::none) return text;
  text += ";" + std::string(kEvents[static_cast<size_t>(s.event)]) + "@" + std::to_string(s.at_ms) +
          "ms";
  if (lasts(s.event)) text += "+" + std::to_string(s.lasts_ms) + "ms";
  return text;
}

std::variant<NetworkScenario, std::string> parse_network_scenario(std::string_view text) {
  return Parser(text).parse();
}

NetworkScenario network_scenario_of_seed(uint64_t seed) {
  Draw draw(seed);
  NetworkScenario s;
  s.clients = draw.between(1, 3);
  s.messages = draw.between(1, 8);
  s.bytes = draw.below(4) == 0 ? draw.between(10'000, 100'000) : draw.between(1, 5'000);
  s.latency = "kuh"[draw.below(3)];
  s.least_us = draw.below(2) == 0 ? draw.between(20, 1000) : draw.between(1000, 30'000);
  s.loss_one_in = draw.below(2) == 0 ? 0 : draw.between(4, 60);
  s.event = static_cast<Event>(draw.below(static_cast<uint32_t>(std::size(kEvents))));
  s.at_ms = draw.below(2) == 0 ? draw.below(60) : draw.below(2'000);
  if (lasts(s.event)) s.lasts_ms = draw.between(1, draw.below(2) == 0 ? 500 : 20'000);
  if (s.event == Event::none) s.at_ms = s.lasts_ms = 0;
  // Short where the deadline is what has to come.
  if (!s.is_harmless()) s.deadline_ms = draw.between(2'000, 90'000);
  return s;
}

std::vector<NetworkScenario> smaller_scenarios(const NetworkScenario& s) {
  std::vector<NetworkScenario> all;
  auto try_one = [&](auto change) {
    NetworkScenario smaller = s;
    change(smaller);
    if (smaller != s) all.push_back(smaller);
  };
  try_one([](NetworkScenario& x) { x.clients = 1; });
  try_one([](NetworkScenario& x) { x.event = Event::none, x.at_ms = x.lasts_ms = 0; });
  try_one([](NetworkScenario& x) { x.loss_one_in = 0; });
  try_one([](NetworkScenario& x) { x.latency = 'k'; });
  try_one([](NetworkScenario& x) { x.messages = 1; });
  try_one([](NetworkScenario& x) { x.messages = (x.messages + 1) / 2; });
  try_one([](NetworkScenario& x) { x.bytes = 1; });
  try_one([](NetworkScenario& x) { x.bytes = (x.bytes + 1) / 2; });
  try_one([](NetworkScenario& x) { x.clients = (x.clients + 1) / 2; });
  try_one([](NetworkScenario& x) { x.least_us = 1000; });
  return all;
}

std::string describe(const NetworkScenario& s) {
  std::string text = std::to_string(s.clients) +
                     (s.clients == 1 ? " client sends " : " clients send ") +
                     std::to_string(s.messages) + " x " + std::to_string(s.bytes) +
                     " bytes; reads within " + std::to_string(s.deadline_ms) + " ms; latency ";
  text += s.latency == 'k' ? "" : s.latency == 'u' ? "uniform from " : "heavy-tailed from ";
  text += std::to_string(s.least_us) + " us";
  if (s.loss_one_in != 0) text += "; one packet in " + std::to_string(s.loss_one_in) + " is lost";
  if (s.event == Event::none) return text;
  text += "; at " + std::to_string(s.at_ms) + " ms " +
          std::string(kEventWords[static_cast<size_t>(s.event)]);
  if (lasts(s.event)) text += " for " + std::to_string(s.lasts_ms) + " ms";
  return text;
}

NetworkPlan plan_of(const NetworkScenario& s) {
  NetworkPlan plan;
  int64_t least = int64_t{s.least_us} * 1000;
  plan.link.latency = s.latency == 'k'   ? Latency::constant(least)
                      : s.latency == 'u' ? Latency::uniform(least, kLongest * least)
                                         : Latency::heavy_tail(least, kLongest * least);
  plan.link.loss_one_in = s.loss_one_in;
  RulePlan::Kind kind = RulePlan::Kind::partition;
  switch (s.event) {
    case Event::none:
      return plan;
    case Event::cut:
      kind = RulePlan::Kind::partition;
      break;
    case Event::there:
    case Event::back:
      kind = RulePlan::Kind::one_way;
      break;
    case Event::off:
      kind = RulePlan::Kind::crash;
      break;
    case Event::half:
      kind = RulePlan::Kind::half_open;
      break;
    case Event::reset:
      kind = RulePlan::Kind::reset;
      break;
  }
  bool from_client = s.event == Event::there;
  for (unsigned client = 1; client <= (s.event == Event::off ? 1 : s.clients); ++client) {
    RulePlan rule{.kind = kind};
    rule.a = from_client ? client : 0;
    rule.b = from_client ? 0 : client;
    if (s.event == Event::off) rule.a = rule.b = client;
    rule.from_ns = s.at_ms * kMs;
    if (lasts(s.event)) rule.to_ns = rule.from_ns + s.lasts_ms * kMs;
    plan.rules.push_back(rule);
  }
  return plan;
}

}  // namespace pollux::properties

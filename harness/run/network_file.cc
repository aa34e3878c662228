// SPDX-License-Identifier: MIT
#include "run/network_file.h"

#include <arpa/inet.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>
#include <span>
#include <sstream>

#include "run/nearest.h"

namespace pollux::run {
namespace {

constexpr std::array<std::string_view, 4> kKeys = {"host", "default", "link", "rule"};
constexpr std::array<std::string_view, 2> kHostKeys = {"name", "address"};
constexpr std::array<std::string_view, 6> kLinkKeys = {
    "latency", "bytes_per_second", "buffer_bytes", "loss", "duplicate", "reorder"};
constexpr std::array<std::string_view, 3> kEndKeys = {"between", "from", "to"};
constexpr std::array<std::string_view, 2> kTimeKeys = {"at", "until"};
struct RuleName {
  std::string_view name;
  RulePlan::Kind kind;
  bool takes_two;
  bool lasts;
};
constexpr RuleName kRules[] = {{"partition", RulePlan::Kind::partition, true, true},
                               {"one_way", RulePlan::Kind::one_way, true, true},
                               {"isolate", RulePlan::Kind::isolate, false, true},
                               {"change", RulePlan::Kind::change, true, true},
                               {"crash", RulePlan::Kind::crash, false, true},
                               {"reset", RulePlan::Kind::reset, true, false},
                               {"half_open", RulePlan::Kind::half_open, true, false}};
constexpr const char* kTimeIs = "a time is a text with its unit, like \"200us\", \"5ms\" or \"2s\"";
constexpr int64_t kTimeMax = 1000LL * 3600 * 1'000'000'000;
constexpr int64_t kRateMax = 1'000'000'000'000;

// Thrown inside this file only, so that a check deep in a table stays one line.
struct Refused {
  std::string message;
};

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

class Reader {
 public:
  explicit Reader(std::string_view name) : name_(name) {}

  NetworkPlan read(const toml::table& file) {
    check_keys(file, {kKeys});
    // Hosts first: everything else names them.
    for_each(file, "host", [this](const toml::table& host) { read_host(host); });
    if (const toml::node* node = file.get("default")) {
      const toml::table* table = node->as_table();
      if (table == nullptr) refuse(*node, "\"default\" must be a table: [default]");
      check_keys(*table, {kLinkKeys});
      plan_.link = link(*table);
    }
    for_each(file, "link", [this](const toml::table& table) { read_link(table); });
    for_each(file, "rule", [this](const toml::table& table) { read_rule(table); });
    return std::move(plan_);
  }

 private:
  [[noreturn]] void refuse(const toml::node& where, const std::string& what) const {
    std::ostringstream line;
    line << name_ << ':' << where.source().begin.line << ": " << what;
    throw Refused{line.str()};
  }

  using Keys = std::initializer_list<std::span<const std::string_view>>;
  void check_keys(const toml::table& table, Keys known) const {
    std::vector<std::string_view> all;
    for (auto keys : known) all.insert(all.end(), keys.begin(), keys.end());
    for (auto&& [key, node] : table) {
      if (std::find(all.begin(), all.end(), key.str()) != all.end()) continue;
      refuse(node, "unknown key " + quoted(key.str()) + did_you_mean(key.str(), all));
    }
  }

  template <class Visit>
  void for_each(const toml::table& file, std::string_view key, Visit visit) {
    const toml::node* node = file.get(key);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    auto wrong = [&] {
      refuse(*node, quoted(key) + " must be tables: [[" + std::string(key) + "]]");
    };
    if (array == nullptr) wrong();
    for (const toml::node& each : *array) {
      if (!each.is_table()) wrong();
      visit(*each.as_table());
    }
  }

  // --- Hosts

  void read_host(const toml::table& table) {
    check_keys(table, {kHostKeys});
    const toml::node* name = table.get("name");
    if (name == nullptr || !name->is_string() || name->as_string()->get().empty()) {
      refuse(name != nullptr ? *name : table, "a host needs a name: name = \"server\"");
    }
    HostPlan host{name->as_string()->get(), 0};
    for (const HostPlan& other : plan_.hosts) {
      if (other.name == host.name)
        refuse(*name, "there is a host " + quoted(host.name) + " already");
    }
    if (plan_.hosts.size() == kNetworkHosts) {
      refuse(table, "at most " + std::to_string(kNetworkHosts) + " hosts");
    }
    if (const toml::node* address = table.get("address")) host.address = read_address(*address);
    plan_.hosts.push_back(std::move(host));
  }

  uint32_t read_address(const toml::node& node) const {
    in_addr in{};
    bool good = node.is_string() && inet_pton(AF_INET, node.as_string()->get().c_str(), &in) == 1;
    uint32_t address = ntohl(in.s_addr);
    uint32_t first = address >> 24;
    if (!good || first == 0 || first == 127 || first >= 224) {
      refuse(node, "an address is an IPv4 address of one host, like \"192.0.2.1\"");
    }
    for (const HostPlan& other : plan_.hosts) {
      if (other.address == address) {
        refuse(node, "the address belongs to " + quoted(other.name) + " already");
      }
    }
    return address;
  }

  unsigned host(const toml::node& node) const {
    std::vector<std::string_view> names;
    for (const HostPlan& each : plan_.hosts) names.push_back(each.name);
    if (!node.is_string()) refuse(node, "a host is named by a text");
    const std::string& name = node.as_string()->get();
    auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end()) {
      refuse(node, "no [[host]] has the name " + quoted(name) + did_you_mean(name, names));
    }
    return static_cast<unsigned>(at - names.begin());
  }

  std::pair<unsigned, unsigned> two_hosts(const toml::node& node) const {
    const toml::array* array = node.as_array();
    if (array == nullptr || array->size() != 2) {
      refuse(node, "two hosts stand here, like [\"a\", \"b\"]");
    }
    return {host(*array->get(0)), host(*array->get(1))};
  }

  // --- Links

  void read_link(const toml::table& table) {
    check_keys(table, {kLinkKeys, kEndKeys});
    const toml::node* between = table.get("between");
    const toml::node *from = table.get("from"), *to = table.get("to");
    bool one_way = from != nullptr && to != nullptr;
    if (one_way == (between != nullptr) || (from != nullptr) != (to != nullptr)) {
      refuse(table, "a link is between = [\"a\", \"b\"], or from = \"a\" and to = \"b\"");
    }
    LinkOptions options = link(table);
    if (one_way) return add_link(table, host(*from), host(*to), options);
    auto [a, b] = two_hosts(*between);
    add_link(table, a, b, options);
    if (a != b) add_link(table, b, a, options);
  }

  void add_link(const toml::table& table, unsigned from, unsigned to, const LinkOptions& options) {
    for (const LinkPlan& other : plan_.links) {
      if (other.from == from && other.to == to) {
        refuse(table, "the link from " + quoted(plan_.hosts[from].name) + " to " +
                          quoted(plan_.hosts[to].name) + " stands above already");
      }
    }
    plan_.links.push_back({from, to, options});
  }

  LinkOptions link(const toml::table& table) const {
    LinkOptions options;
    if (const toml::node* node = table.get("latency")) options.latency = latency(*node);
    if (const toml::node* node = table.get("bytes_per_second")) {
      options.bytes_per_second = amount("bytes_per_second", *node);
    }
    if (const toml::node* node = table.get("buffer_bytes")) {
      options.buffer_bytes = amount("buffer_bytes", *node);
      if (options.bytes_per_second == 0) {
        refuse(*node, "a buffer fills only on a link that has \"bytes_per_second\"");
      }
    }
    options.loss_one_in = one_in(table, "loss");
    options.duplicate_one_in = one_in(table, "duplicate");
    options.reorder_one_in = one_in(table, "reorder");
    return options;
  }

  Latency latency(const toml::node& node) const {
    if (node.is_string()) return Latency::constant(time(node));
    const toml::table* table = node.as_table();
    if (table != nullptr && table->size() == 1) {
      for (auto shape : {Latency::Shape::uniform, Latency::Shape::heavy_tail}) {
        const toml::node* bounds =
            table->get(shape == Latency::Shape::uniform ? "uniform" : "heavy_tail");
        if (bounds == nullptr) continue;
        const toml::array* array = bounds->as_array();
        if (array == nullptr || array->size() != 2) break;
        Latency wanted{shape, time(*array->get(0)), time(*array->get(1))};
        if (wanted.min_ns > wanted.max_ns) refuse(*bounds, "the shorter time stands first");
        if (shape == Latency::Shape::heavy_tail && wanted.min_ns == 0) {
          refuse(*bounds, "a heavy tail begins above 0");
        }
        return wanted;
      }
    }
    refuse(node,
           "a latency is \"5ms\", { uniform = [\"1ms\", \"9ms\"] } or "
           "{ heavy_tail = [\"1ms\", \"2s\"] }");
  }

  int64_t amount(const char* key, const toml::node& node) const {
    std::optional<int64_t> value = node.is_integer() ? node.value<int64_t>() : std::nullopt;
    if (!value || *value < 1 || *value > kRateMax) {
      refuse(node, quoted(key) + " must be a whole number from 1 to " + std::to_string(kRateMax));
    }
    return *value;
  }

  // A share as one in so many, which is how choices are made.
  uint32_t one_in(const toml::table& table, std::string_view key) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) return 0;
    std::optional<double> value = node->is_number() ? node->value<double>() : std::nullopt;
    if (!value || !(*value >= 0 && *value <= 1)) {
      refuse(*node, quoted(key) + " must be a share between 0 and 1");
    }
    if (*value == 0) return 0;
    return static_cast<uint32_t>(std::min(std::round(1 / *value), 1e9));
  }

  // --- Rules

  void read_rule(const toml::table& table) {
    const RuleName* found = nullptr;
    for (const RuleName& each : kRules) {
      if (table.get(each.name) == nullptr) continue;
      if (found != nullptr) {
        refuse(table, "a rule is one thing: " + quoted(found->name) + " or " + quoted(each.name));
      }
      found = &each;
    }
    std::vector<std::string_view> names;
    for (const RuleName& each : kRules) names.push_back(each.name);
    if (found == nullptr) {
      std::string list;
      for (std::string_view each : names) list += (list.empty() ? "" : ", ") + std::string(each);
      check_keys(table, {names, kTimeKeys, kLinkKeys});
      refuse(table, "a rule needs one of " + list);
    }
    std::string_view own[] = {found->name};
    if (found->kind == RulePlan::Kind::change) {
      check_keys(table, {own, kTimeKeys, kLinkKeys});
    } else {
      check_keys(table, {own, kTimeKeys});
    }

    RulePlan rule{.kind = found->kind};
    const toml::node& hosts = *table.get(found->name);
    if (found->takes_two) {
      std::tie(rule.a, rule.b) = two_hosts(hosts);
    } else {
      rule.a = rule.b = host(hosts);
    }
    if (found->kind == RulePlan::Kind::change) rule.link = link(table);
    if (const toml::node* at = table.get("at")) rule.from_ns = time(*at);
    if (const toml::node* until = table.get("until")) {
      if (!found->lasts) refuse(*until, quoted(found->name) + " happens at once: it has no end");
      rule.to_ns = time(*until);
      if (rule.to_ns <= rule.from_ns) refuse(*until, "\"until\" comes behind \"at\"");
    }
    plan_.rules.push_back(rule);
  }

  int64_t time(const toml::node& node) const {
    constexpr std::pair<std::string_view, int64_t> kUnits[] = {
        {"ns", 1}, {"us", 1000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}};
    if (!node.is_string()) refuse(node, kTimeIs);
    std::string_view text = node.as_string()->get();
    for (auto [unit, factor] : kUnits) {
      if (!text.ends_with(unit)) continue;
      std::string_view digits = text.substr(0, text.size() - unit.size());
      int64_t value = 0;
      auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      bool good = error == std::errc() && end == digits.data() + digits.size() && !digits.empty();
      if (!good || value < 0) continue;
      if (value > kTimeMax / factor) break;
      return value * factor;
    }
    refuse(node, kTimeIs);
  }

  std::string_view name_;
  NetworkPlan plan_;
};

}  // namespace

std::variant<std::shared_ptr<const NetworkFile>, NetworkFileError> parse_network(
    std::string_view text, std::string_view name) {
  try {
    NetworkPlan plan = Reader(name).read(toml::parse(text, name));
    return std::make_shared<const NetworkFile>(
        NetworkFile{std::string(name), std::string(text), std::move(plan)});
  } catch (const Refused& refused) {
    return NetworkFileError{refused.message};
  } catch (const toml::parse_error& error) {
    std::ostringstream line;
    line << name << ':' << error.source().begin.line << ": " << error.description();
    return NetworkFileError{line.str()};
  }
}

std::variant<std::shared_ptr<const NetworkFile>, NetworkFileError> load_network(
    const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return NetworkFileError{"'" + path + "' can not be read, or is empty"};
  }
  return parse_network(text.str(), path);
}

bool same_network(const std::shared_ptr<const NetworkFile>& a,
                  const std::shared_ptr<const NetworkFile>& b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->text == b->text;
}

}  // namespace pollux::run

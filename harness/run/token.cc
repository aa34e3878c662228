// SPDX-License-Identifier: MIT
#include "run/token.h"

#include <limits.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "run/build_info.h"
#include "run/nearest.h"
#include "run/text_code.h"

namespace pollux::run {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPrefix = "pollux";
constexpr std::uintmax_t kFileMax = 64u << 20;

// --- Profiles: a built-in one by name and digest, any other one whole.

Json whole_profile(const faults::Profile& profile) {
  Json faults = Json::array();
  for (const faults::ProfileFault& fault : profile.faults) {
    faults.push_back(std::string(faults::points()[fault.point].name));
    faults.push_back(fault.rate);
  }
  return {{"n", profile.name}, {"s", profile.swarm}, {"f", faults}};
}

std::string digest(const faults::Profile& profile) {
  std::vector<uint8_t> bytes = Json::to_cbor(whole_profile(profile));
  return checksum({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

bool is_built_in(std::string_view name) {
  auto names = faults::built_in_profiles();
  return std::find(names.begin(), names.end(), name) != names.end();
}

Json encode_profile(const faults::Profile& profile) {
  if (is_built_in(profile.name)) {
    auto loaded = faults::load_profile(profile.name);
    if (auto* same = std::get_if<faults::Profile>(&loaded);
        same && digest(*same) == digest(profile)) {
      return {{"n", profile.name}, {"d", digest(profile)}};
    }
  }
  return whole_profile(profile);
}

std::variant<faults::Profile, std::string> decode_profile(const Json& json) {
  std::string name = json.at("n");
  if (json.contains("d")) {
    auto loaded = faults::load_profile(name);
    auto* profile = std::get_if<faults::Profile>(&loaded);
    if (profile == nullptr)
      return "this build has no profile '" + name + "', which the token names";
    if (digest(*profile) != json.at("d")) {
      return "the profile '" + name +
             "' has changed since the token was made: use the build that made it";
    }
    return *profile;
  }
  faults::Profile profile;
  profile.name = name;
  profile.swarm = json.at("s");
  const Json& faults = json.at("f");
  for (size_t i = 0; i + 1 < faults.size(); i += 2) {
    std::string point_name = faults[i];
    const faults::Point* point = faults::find_point(point_name);
    if (point == nullptr)
      return "this build has no failure point '" + point_name + "', which the token names";
    profile.faults.push_back(
        {static_cast<faults::PointId>(point - faults::points().data()), faults[i + 1]});
  }
  return profile;
}

// --- Deviations: a table of the sites' names, then four numbers each.

Json encode_deviations(const std::vector<Deviation>& deviations) {
  Json names = Json::array(), numbers = Json::array();
  std::vector<int> index(kSitesMax, -1);
  for (const Deviation& deviation : deviations) {
    int& known = index[deviation.site];
    if (known < 0) {
      known = static_cast<int>(names.size());
      names.push_back(std::string(site_name(deviation.site)));
    }
    for (uint32_t number : {uint32_t{deviation.actor}, static_cast<uint32_t>(known),
                            deviation.ordinal, deviation.outcome}) {
      numbers.push_back(number);
    }
  }
  return {{"n", names}, {"v", numbers}};
}

std::variant<std::vector<Deviation>, std::string> decode_deviations(const Json& json) {
  std::vector<Site> sites;
  for (const Json& entry : json.at("n")) {
    std::string name = entry;
    Site site = find_site(name);
    if (site >= kSitesMax)
      return "this build has no choice site '" + name + "', which the token names";
    sites.push_back(site);
  }
  const Json& numbers = json.at("v");
  if (numbers.size() % 4 != 0) return "its list of deviations is incomplete";
  std::vector<Deviation> deviations;
  deviations.reserve(numbers.size() / 4);
  for (size_t i = 0; i < numbers.size(); i += 4) {
    uint64_t actor = numbers[i], site = numbers[i + 1];
    if (actor >= kActors || site >= sites.size())
      return "its list of deviations has a number out of range";
    deviations.push_back({static_cast<Actor>(actor), sites[site], numbers[i + 2], numbers[i + 3]});
  }
  return deviations;
}

// --- Meanings: a table of the names, the empty one first, then three numbers each.

Json encode_meanings(const std::vector<Meaning>& meanings) {
  std::vector<std::string> names{""};
  auto index = [&names](const std::string& name) {
    auto known = std::find(names.begin(), names.end(), name);
    if (known == names.end()) known = names.insert(known, name);
    return static_cast<uint32_t>(known - names.begin());
  };
  Json numbers = Json::array();
  for (const Meaning& meaning : meanings) {
    numbers.push_back(index(meaning.function));
    numbers.push_back(index(meaning.operation));
    numbers.push_back(meaning.occurrence);
  }
  return {{"n", names}, {"v", numbers}};
}

std::vector<Meaning> decode_meanings(const Json& json) {
  const Json &names = json.at("n"), &numbers = json.at("v");
  std::vector<Meaning> meanings;
  for (size_t i = 0; i + 2 < numbers.size(); i += 3) {
    meanings.push_back({names.at(numbers[i].get<size_t>()), names.at(numbers[i + 1].get<size_t>()),
                        numbers[i + 2]});
  }
  return meanings;
}

// --- The payload.

void encode_drawn(const Drawn& drawn, Json& json) {
  json["s"] = drawn.seed;
  json["t"] = to_string(drawn.mix->strategy);
  json["f"] = encode_profile(drawn.mix->profile);
}

std::variant<Drawn, std::string> decode_drawn(const Json& json) {
  auto strategy = parse_strategy(json.at("t").get<std::string>());
  if (auto* error = std::get_if<std::string>(&strategy)) return *error;
  auto profile = decode_profile(json.at("f"));
  if (auto* error = std::get_if<std::string>(&profile)) return *error;
  return Drawn{json.at("s"), make_mix(std::get<StrategySpec>(strategy),
                                      std::get<faults::Profile>(std::move(profile)))};
}

std::string encode_payload(const Token& token) {
  Json json = {{"w", token.workload}, {"r", static_cast<unsigned>(token.verdict)},
               {"p", token.property}, {"h", token.hash},
               {"b", token.build},    {"c", token.compiler}};
  if (!token.overrides.empty()) json["o"] = token.overrides;
  if (token.then) {
    json["x"] = token.then->from;
    encode_drawn(token.then->drawn, json["y"]);
  }
  if (token.network != nullptr) {
    json["n"] = {{"f", token.network->name}, {"x", token.network->text}};
  }
  if (auto* drawn = std::get_if<Drawn>(&token.choices)) {
    encode_drawn(*drawn, json);
  } else {
    json["d"] = encode_deviations(std::get<std::vector<Deviation>>(token.choices));
    if (!token.meanings.empty()) json["m"] = encode_meanings(token.meanings);
  }
  std::vector<uint8_t> bytes = Json::to_cbor(json);
  return {bytes.begin(), bytes.end()};
}

std::variant<Token, std::string> decode_payload(const std::string& bytes) {
  Json json = Json::from_cbor(bytes);
  Token token;
  token.workload = json.at("w");
  unsigned verdict = json.at("r");
  if (to_string(static_cast<Verdict>(verdict)) == "?" || verdict > UINT8_MAX) {
    return "it expects verdict number " + std::to_string(verdict) +
           ", which this build does not know";
  }
  token.verdict = static_cast<Verdict>(verdict);
  token.property = json.at("p");
  token.hash = json.at("h");
  token.build = json.at("b");
  token.compiler = json.at("c");
  if (json.contains("o")) {
    token.overrides = json.at("o").get<Overrides>();
    RunOptions scratch;
    for (const auto& [name, value] : token.overrides) {
      if (!apply_override(scratch, name, value))
        return "it sets '" + name + "', which this build does not know";
    }
  }
  if (json.contains("x")) {
    auto drawn = decode_drawn(json.at("y"));
    if (auto* error = std::get_if<std::string>(&drawn)) return *error;
    token.then = Redrawn{json.at("x"), std::get<Drawn>(std::move(drawn))};
  }
  if (json.contains("n")) {
    const Json& network = json.at("n");
    auto parsed =
        parse_network(network.at("x").get<std::string>(), network.at("f").get<std::string>());
    if (auto* error = std::get_if<NetworkFileError>(&parsed)) {
      return "its network does not fit this build: " + error->message;
    }
    token.network = std::get<0>(std::move(parsed));
  }
  if (json.contains("d")) {
    auto deviations = decode_deviations(json.at("d"));
    if (auto* error = std::get_if<std::string>(&deviations)) return *error;
    token.choices = std::get<std::vector<Deviation>>(std::move(deviations));
    if (json.contains("m")) token.meanings = decode_meanings(json.at("m"));
    return token;
  }
  auto drawn = decode_drawn(json);
  if (auto* error = std::get_if<std::string>(&drawn)) return *error;
  token.choices = std::get<Drawn>(std::move(drawn));
  return token;
}

std::variant<Token, TokenError> parse_line(std::string_view text) {
  auto error = [](const std::string& message) { return TokenError{message}; };
  const std::string prefix = std::string(kPrefix) + std::to_string(kTokenVersion);
  std::vector<std::string_view> parts;
  for (size_t at = 0;;) {
    size_t dot = text.find('.', at);
    parts.push_back(text.substr(at, dot - at));
    if (dot == std::string_view::npos) break;
    at = dot + 1;
  }
  if (parts[0] != prefix) {
    return error("token has format '" + std::string(parts[0].substr(0, 20)) +
                 "', this build reads '" + prefix + "': replay it with the version that made it");
  }
  if (parts.size() != 4 || parts[3].size() != 8) {
    return error("token is cut off or damaged after " + std::to_string(text.size()) +
                 " characters: it has the form " + prefix +
                 ".SUITE.PAYLOAD.CHECKSUM, copy the whole line");
  }
  size_t bad = 0;
  auto payload = decode_base64url(parts[2], &bad);
  if (!payload && bad < parts[2].size()) {
    size_t column = prefix.size() + parts[1].size() + 2 + bad;
    return error("token is damaged at character " + std::to_string(column + 1) +
                 ": only letters, digits, '-' and '_' may stand there, copy it again");
  }
  std::string expected = checksum(text.substr(0, text.rfind('.')));
  if (expected != parts[3] || !payload) {
    return error("token is damaged: its checksum reads " + std::string(parts[3]) +
                 ", its text gives " + expected + ", copy it again");
  }
  try {
    auto decoded = decode_payload(*payload);
    if (auto* message = std::get_if<std::string>(&decoded)) return error("token: " + *message);
    Token token = std::get<Token>(std::move(decoded));
    token.suite = parts[1];
    return token;
  } catch (const Json::exception&) {
    return error("token has a good checksum but no readable payload: it was not made by pollux");
  }
}

std::string trimmed(std::string_view text) {
  size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

bool same_profile(const faults::Profile& a, const faults::Profile& b) {
  return a.name == b.name && a.swarm == b.swarm &&
         std::equal(a.faults.begin(), a.faults.end(), b.faults.begin(), b.faults.end(),
                    [](const faults::ProfileFault& x, const faults::ProfileFault& y) {
                      return x.point == y.point && x.rate == y.rate;
                    });
}

bool same_drawn(const Drawn& a, const Drawn& b) {
  return a.seed == b.seed && a.mix->strategy == b.mix->strategy &&
         same_profile(a.mix->profile, b.mix->profile);
}

}  // namespace

bool operator==(const Token& a, const Token& b) {
  if (a.suite != b.suite || a.workload != b.workload || a.overrides != b.overrides ||
      !same_network(a.network, b.network) || a.verdict != b.verdict || a.property != b.property ||
      a.hash != b.hash || a.build != b.build || a.compiler != b.compiler ||
      a.meanings != b.meanings || a.choices.index() != b.choices.index()) {
    return false;
  }
  if (a.then.has_value() != b.then.has_value()) return false;
  if (a.then && (a.then->from != b.then->from || !same_drawn(a.then->drawn, b.then->drawn))) {
    return false;
  }
  auto* drawn = std::get_if<Drawn>(&a.choices);
  if (drawn != nullptr) return same_drawn(*drawn, std::get<Drawn>(b.choices));
  return std::get<std::vector<Deviation>>(a.choices) == std::get<std::vector<Deviation>>(b.choices);
}

Token make_token(const Plan& plan, const RunResult& result, const std::string& build) {
  Token token;
  token.suite = plan.suite->name();
  token.workload = plan.workload;
  token.choices = plan.choices;
  token.overrides = plan.overrides;
  token.then = plan.then;
  token.network = plan.network;
  token.verdict = result.verdict;
  token.property = property_of(result);
  token.hash = result.hash;
  token.build = build.empty() ? build_id() : build;
  token.compiler = compiler();
  return token;
}

void add_meanings(Token& token, const RunResult& logged) {
  const auto* deviations = std::get_if<std::vector<Deviation>>(&token.choices);
  if (deviations == nullptr || token.then || deviations->size() > kMeaningsMost) return;
  if (*deviations != logged.deviations) return;
  token.meanings = meanings_of(logged);
  auto known = [](const Meaning& meaning) { return meaning.known(); };
  if (std::none_of(token.meanings.begin(), token.meanings.end(), known)) token.meanings.clear();
}

std::string encode(const Token& token) {
  std::string body = std::string(kPrefix) + std::to_string(kTokenVersion) + "." + token.suite +
                     "." + encode_base64url(encode_payload(token));
  return body + "." + checksum(body);
}

std::string encode_or_write(const Token& token) {
  std::string line = encode(token);
  if (line.size() <= kLineMax) return line;
  std::string name = std::string(kPrefix) + "-" + line.substr(line.size() - 8) + ".token";
  std::ofstream file(name);
  file << line << "\n";
  file.close();
  return file ? name : line;
}

std::variant<Token, TokenError> parse_token(std::string_view given) {
  std::string text = trimmed(given);
  struct stat status;
  bool short_enough = !text.empty() && text.size() < PATH_MAX;
  if (short_enough && ::stat(text.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
    std::ifstream file(text, std::ios::binary);
    if (!file || static_cast<std::uintmax_t>(status.st_size) > kFileMax) {
      return TokenError{"can not read the token file '" + text + "'"};
    }
    std::ostringstream content;
    content << file.rdbuf();
    std::string line = trimmed(content.str());
    if (!line.starts_with(kPrefix)) {
      return TokenError{"'" + text + "' holds no token: the first characters must be " +
                        std::string(kPrefix) + std::to_string(kTokenVersion) + ".SUITE."};
    }
    return parse_line(line);
  }
  if (!text.starts_with(kPrefix) || text.find('.') == std::string::npos ||
      text.ends_with(".token")) {
    return TokenError{"'" + text.substr(0, 60) + "' is neither a token (" + std::string(kPrefix) +
                      std::to_string(kTokenVersion) + ".SUITE...) nor a file that can be read"};
  }
  return parse_line(text);
}

std::string other_build(const Token& token, const std::string& given) {
  const std::string& build = given.empty() ? build_id() : given;
  if (token.build == build && build != "none") return "";
  return "token was made by build " + token.build + " (" + token.compiler + "), this is build " +
         build + " (" + compiler() + ")";
}

std::variant<Plan, TokenError> plan_of(const Token& token) {
  const Suite* suite = find_suite(token.suite);
  if (suite == nullptr) {
    return TokenError{"token is for suite '" + token.suite + "', which this binary does not have" +
                      did_you_mean(token.suite, suite_names())};
  }
  std::string complaint = suite->validate(token.workload);
  if (!complaint.empty())
    return TokenError{"token's workload does not fit suite " + token.suite + ": " + complaint};
  return Plan{suite, token.workload, token.choices, token.overrides, token.then, token.network};
}

}  // namespace pollux::run

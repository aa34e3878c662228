// SPDX-License-Identifier: MIT
#include "run/token.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>

#include "run/text_code.h"

namespace pollux::run {
namespace {

rc::Gen<Deviation> deviations() {
  Site sites = static_cast<Site>(site::kFirstFault + faults::points().size());
  return rc::gen::build<Deviation>(
      rc::gen::set(&Deviation::actor, rc::gen::inRange<Actor>(0, kActors)),
      rc::gen::set(&Deviation::site, rc::gen::inRange<Site>(0, sites)),
      rc::gen::set(&Deviation::ordinal, rc::gen::arbitrary<uint32_t>()),
      rc::gen::set(&Deviation::outcome, rc::gen::inRange<uint32_t>(1, UINT32_MAX)));
}

faults::Profile any_profile() {
  if (*rc::gen::arbitrary<bool>()) {
    auto names = faults::built_in_profiles();
    auto loaded = faults::load_profile(*rc::gen::elementOf(names));
    return std::get<faults::Profile>(loaded);
  }
  faults::Profile profile;
  profile.name = *rc::gen::string<std::string>();
  profile.swarm = *rc::gen::inRange(1, 101) / 100.0;
  auto points = *rc::gen::container<std::set<int>>(
      rc::gen::inRange<int>(0, static_cast<int>(faults::points().size())));
  for (int point : points) {
    profile.faults.push_back(
        {static_cast<faults::PointId>(point), *rc::gen::inRange(1, 1001) / 1000.0});
  }
  return profile;
}

Token any_token() {
  Token token;
  token.suite = *rc::gen::nonEmpty(rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("abcdefghijklmnopqrstuvwxyz0123456789-_"))));
  token.workload = *rc::gen::string<std::string>();
  token.verdict = static_cast<Verdict>(*rc::gen::inRange(0, 11));
  token.property = *rc::gen::string<std::string>();
  token.hash = *rc::gen::arbitrary<uint64_t>();
  token.build = *rc::gen::string<std::string>();
  token.compiler = *rc::gen::string<std::string>();
  for (std::string_view name : override_names()) {
    if (*rc::gen::inRange(0, 4) == 0)
      token.overrides[std::string(name)] = *rc::gen::arbitrary<int64_t>();
  }
  if (*rc::gen::arbitrary<bool>()) {
    token.choices = *rc::gen::container<std::vector<Deviation>>(deviations());
    token.meanings = *rc::gen::container<std::vector<Meaning>>(
        rc::gen::build<Meaning>(rc::gen::set(&Meaning::function), rc::gen::set(&Meaning::operation),
                                rc::gen::set(&Meaning::occurrence)));
  } else {
    StrategySpec spec;
    if (*rc::gen::arbitrary<bool>())
      spec = {*rc::gen::inRange(1u, 101u), *rc::gen::inRange<uint64_t>(0, 99999)};
    else if (*rc::gen::arbitrary<bool>())
      spec = {.plain = StrategySpec::Plain::bytes,
              .bytes = *rc::gen::arbitrary<std::vector<uint8_t>>()};
    token.choices = Drawn{*rc::gen::arbitrary<uint64_t>(), make_mix(spec, any_profile())};
  }
  return token;
}

std::string complaint(const std::string& text) {
  auto parsed = parse_token(text);
  auto* error = std::get_if<TokenError>(&parsed);
  return error != nullptr ? error->message : "";
}

bool holds(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

RC_GTEST_PROP(TokenProperty, ATokenReadsAsWhatWasWritten, ()) {
  Token token = any_token();
  std::string line = encode(token);
  RC_CLASSIFY(std::holds_alternative<Drawn>(token.choices), "seed");
  RC_CLASSIFY(line.size() > 1000, "long");
  RC_ASSERT(
      line.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
      std::string::npos);
  auto parsed = parse_token(line);
  RC_ASSERT(std::holds_alternative<Token>(parsed));
  RC_ASSERT(std::get<Token>(parsed) == token);
}

RC_GTEST_PROP(TokenProperty, ADamagedTokenIsRefused, ()) {
  std::string line = encode(any_token());
  size_t at = *rc::gen::inRange<size_t>(0, line.size());
  std::string damaged = line;
  if (*rc::gen::arbitrary<bool>()) {
    damaged[at] =
        *rc::gen::suchThat(rc::gen::inRange<char>(33, 127), [&](char c) { return c != line[at]; });
  } else {
    damaged.resize(at);
  }
  std::string message = complaint(damaged);
  RC_ASSERT(!message.empty());
  RC_ASSERT(message.find('\n') == std::string::npos);
}

TEST(TokenTest, SaysWhatIsWrongWithIt) {
  Token token;
  token.suite = "toy";
  token.choices = std::vector<Deviation>{{0, site::kPoint, 117, 2}};
  std::string line = encode(token);
  std::string payload_changed = line, bad_character = line;
  payload_changed[20] = payload_changed[20] == 'A' ? 'B' : 'A';
  bad_character[20] = '*';
  EXPECT_TRUE(holds(complaint(line.substr(0, line.size() - 3)), "cut off"));
  EXPECT_TRUE(holds(complaint(payload_changed), "checksum"));
  EXPECT_TRUE(holds(complaint(bad_character), "damaged at character 21"));
  EXPECT_TRUE(holds(complaint("pollux2" + line.substr(7)), "has format 'pollux2'"));
  EXPECT_TRUE(holds(complaint("no-such-file.token"), "neither a token"));
  EXPECT_TRUE(holds(complaint(""), "neither a token"));
}

TEST(TokenTest, UnknownSuiteIsRefusedAndAnotherBuildIsTold) {
  Token token;
  token.suite = "no-such-suite";
  token.choices = std::vector<Deviation>{};
  auto plan = plan_of(token);
  ASSERT_TRUE(std::holds_alternative<TokenError>(plan));
  EXPECT_TRUE(holds(std::get<TokenError>(plan).message, "no-such-suite"));
  token.build = "0123456789abcdef";
  EXPECT_TRUE(holds(other_build(token), "0123456789abcdef"));
  EXPECT_EQ(other_build(token, "0123456789abcdef"), "");
}

TEST(TokenTest, ALongTokenIsAFileAndTheLineNamesIt) {
  char folder[] = "/tmp/pollux-token-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  ASSERT_EQ(::chdir(folder), 0);
  Token token;
  token.suite = "toy";
  std::vector<Deviation> many;
  for (uint32_t i = 0; i < 5000; ++i) many.push_back({0, site::kPoint, i * 7919, 2});
  token.choices = many;
  std::string name = encode_or_write(token);
  EXPECT_LT(name.size(), 40u);
  EXPECT_TRUE(name.starts_with("pollux-") && name.ends_with(".token")) << name;
  auto parsed = parse_token(name);
  ASSERT_TRUE(std::holds_alternative<Token>(parsed)) << std::get<TokenError>(parsed).message;
  EXPECT_TRUE(std::get<Token>(parsed) == token);
}

RC_GTEST_PROP(TextCodeProperty, Base64urlReadsAsWhatWasWritten, (const std::string& bytes)) {
  std::string text = encode_base64url(bytes);
  RC_ASSERT(text.size() == (bytes.size() * 4 + 2) / 3);
  RC_ASSERT(decode_base64url(text) == bytes);
}

}  // namespace
}  // namespace pollux::run

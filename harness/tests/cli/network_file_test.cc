// SPDX-License-Identifier: MIT
//
// Networks as text: what a file says, what is wrong with it, and how a token carries it.
#include "run/network_file.h"

#include <gtest/gtest.h>

#include "run/token.h"

namespace pollux::run {
namespace {

constexpr const char* kLan = R"(
[[host]]
name = "server"
[[host]]
name = "client"
address = "192.0.2.7"

[default]
latency = "200us"

[[link]]
between = ["client", "server"]
latency = { heavy_tail = ["1ms", "300ms"] }
bytes_per_second = 1000000
buffer_bytes = 64000
loss = 0.05

[[rule]]
partition = ["client", "server"]
at = "2s"
until = "5s"
[[rule]]
crash = "client"
at = "6s"
[[rule]]
change = ["client", "server"]
latency = { uniform = ["1ms", "2ms"] }
reorder = 0.5
)";

std::shared_ptr<const NetworkFile> good(const std::string& text) {
  auto parsed = parse_network(text, "lan.toml");
  if (auto* error = std::get_if<NetworkFileError>(&parsed)) {
    ADD_FAILURE() << error->message;
    return nullptr;
  }
  return std::get<0>(parsed);
}

std::string error_of(const std::string& text) {
  auto parsed = parse_network(text, "lan.toml");
  auto* error = std::get_if<NetworkFileError>(&parsed);
  return error != nullptr ? error->message : "no error";
}

TEST(NetworkFileTest, SaysHostsLinksAndRules) {
  const std::shared_ptr<const NetworkFile> file = good(kLan);
  ASSERT_NE(file, nullptr);
  const NetworkPlan& plan = file->plan;
  ASSERT_EQ(plan.hosts.size(), 2u);
  EXPECT_EQ(plan.hosts[0].address, 0u);
  EXPECT_EQ(plan.hosts[1].address, 0xC0000207u);
  EXPECT_EQ(plan.link.latency, Latency::constant(200'000));
  const LinkOptions lossy{.latency = Latency::heavy_tail(1'000'000, 300'000'000),
                          .bytes_per_second = 1'000'000,
                          .buffer_bytes = 64'000,
                          .loss_one_in = 20};
  ASSERT_EQ(plan.links.size(), 2u);  // both directions
  for (const LinkPlan& link : plan.links) EXPECT_EQ(link.options, lossy);
  EXPECT_EQ(plan.links[0].from, 1u);
  EXPECT_EQ(plan.links[0].to, 0u);
  EXPECT_EQ(plan.links[1].from, 0u);
  ASSERT_EQ(plan.rules.size(), 3u);
  EXPECT_EQ(plan.rules[0].kind, RulePlan::Kind::partition);
  EXPECT_EQ(plan.rules[0].from_ns, 2'000'000'000);
  EXPECT_EQ(plan.rules[0].to_ns, 5'000'000'000);
  EXPECT_EQ(plan.rules[1].kind, RulePlan::Kind::crash);
  EXPECT_EQ(plan.rules[1].a, 1u);
  EXPECT_LT(plan.rules[1].to_ns, 0);
  EXPECT_EQ(plan.rules[2].link.latency, Latency::uniform(1'000'000, 2'000'000));
  EXPECT_EQ(plan.rules[2].link.reorder_one_in, 2u);
}

TEST(NetworkFileTest, NamesTheLineThatIsWrong) {
  const std::string hosts = "[[host]]\nname = \"a\"\n[[host]]\nname = \"b\"\n";  // 4 lines
  EXPECT_EQ(error_of("[[hosts]]\nname = 1"),
            "lan.toml:1: unknown key \"hosts\": did you mean 'host'?");
  EXPECT_EQ(error_of("\n[[host]]\nname = 3"), "lan.toml:3: a host needs a name: name = \"server\"");
  EXPECT_EQ(error_of(hosts + "[[host]]\nname = \"a\""),
            "lan.toml:6: there is a host \"a\" already");
  EXPECT_EQ(error_of(hosts + "[[link]]\nbetween = [\"a\", \"c\"]").substr(0, 42),
            "lan.toml:6: no [[host]] has the name \"c\": ");
  EXPECT_EQ(error_of(hosts + "[[link]]\nfrom = \"a\""),
            "lan.toml:5: a link is between = [\"a\", \"b\"], or from = \"a\" and to = \"b\"");
  EXPECT_EQ(error_of(hosts + "[[link]]\nbetween = [\"a\", \"b\"]\nlatency = 5"),
            "lan.toml:7: a latency is \"5ms\", { uniform = [\"1ms\", \"9ms\"] } or "
            "{ heavy_tail = [\"1ms\", \"2s\"] }");
  EXPECT_EQ(error_of(hosts + "[[link]]\nbetween = [\"a\", \"b\"]\nlatency = \"5 ms\""),
            "lan.toml:7: a time is a text with its unit, like \"200us\", \"5ms\" or \"2s\"");
  EXPECT_EQ(error_of(hosts + "[[link]]\nbetween = [\"a\", \"b\"]\nloss = 2"),
            "lan.toml:7: \"loss\" must be a share between 0 and 1");
  EXPECT_EQ(error_of(hosts + "[[link]]\nbetween = [\"a\", \"b\"]\nbuffer_bytes = 9"),
            "lan.toml:7: a buffer fills only on a link that has \"bytes_per_second\"");
  EXPECT_EQ(error_of(hosts + "[[rule]]\npartition = [\"a\", \"b\"]\nat = \"2s\"\nuntil = \"1s\""),
            "lan.toml:8: \"until\" comes behind \"at\"");
  EXPECT_EQ(error_of(hosts + "[[rule]]\nreset = [\"a\", \"b\"]\nuntil = \"1s\""),
            "lan.toml:7: \"reset\" happens at once: it has no end");
  EXPECT_EQ(error_of(hosts + "[[rule]]\nat = \"2s\""),
            "lan.toml:5: a rule needs one of partition, one_way, isolate, change, crash, reset, "
            "half_open");
  EXPECT_EQ(error_of("[[host]]\nname = \"a\"\naddress = \"127.0.0.1\""),
            "lan.toml:3: an address is an IPv4 address of one host, like \"192.0.2.1\"");
  EXPECT_TRUE(error_of("[[host]\n").starts_with("lan.toml:1: "));
}

TEST(NetworkFileTest, ATokenHoldsTheWholeFile) {
  Token token;
  token.suite = "any";
  token.choices = std::vector<Deviation>{};
  token.network = good(kLan);
  auto parsed = parse_token(encode(token));
  ASSERT_TRUE(std::holds_alternative<Token>(parsed)) << std::get<TokenError>(parsed).message;
  EXPECT_EQ(std::get<Token>(parsed), token);
  EXPECT_EQ(std::get<Token>(parsed).network->plan.rules.size(), 3u);
  Token other = token;
  other.network = good(std::string(kLan) + "\n# as well");
  EXPECT_FALSE(other == token);
  other.network = nullptr;
  EXPECT_FALSE(other == token);
}

}  // namespace
}  // namespace pollux::run

// SPDX-License-Identifier: MIT
#include "cli/client_script.h"

#include <gtest/gtest.h>

namespace pollux::cli {
namespace {

using Kind = ClientStep::Kind;

std::vector<ClientStep> steps_of(std::string_view script, unsigned client = 0) {
  auto parsed = parse_client_script(script, "kv.txt", client);
  if (auto* error = std::get_if<ClientScriptError>(&parsed)) {
    ADD_FAILURE() << error->message;
    return {};
  }
  return std::get<0>(parsed);
}

std::string error_of(std::string_view script) {
  auto parsed = parse_client_script(script, "kv.txt", 0);
  auto* error = std::get_if<ClientScriptError>(&parsed);
  return error != nullptr ? error->message : "no error";
}

TEST(ClientScriptTest, ALineIsAStep) {
  std::vector<ClientStep> expected = {{Kind::send, 2, "get k\r\n"},
                                      {Kind::expect, 4, "END\r\n"},
                                      {Kind::sleep, 5, "", 1'500'000},
                                      {Kind::until, 6, "x"},
                                      {Kind::patience, 7, "", 2'000'000'000},
                                      {Kind::half_close, 8, ""},
                                      {Kind::closed, 9, ""},
                                      {Kind::connect, 10, ""},
                                      {Kind::reset, 11, ""},
                                      {Kind::connect, 12, ""},
                                      {Kind::close, 13, ""}};
  EXPECT_EQ(steps_of("# a comment\n"
                     "send \"get k\\r\\n\"\n"
                     "\n"
                     "  expect   \"END\\r\\n\"  \r\n"
                     "sleep 1500us\nuntil \"x\"\npatience 2s\nhalf-close\nclosed\n"
                     "connect\nreset\nconnect\nclose"),
            expected);
}

TEST(ClientScriptTest, EscapesAndTheClientsNumber) {
  std::string text = steps_of("send \"\\x00\\xFf\\0\\t\\\\\\\"k\\#\"", 12)[0].text;
  EXPECT_EQ(text, std::string("\0\xFF\0\t\\\"k12", 9));
  // What a report shows can be put into a script.
  EXPECT_EQ(cli::quoted(text), "\"\\0\\xFF\\0\\t\\\\\\\"k12\"");
  EXPECT_EQ(steps_of("expect " + cli::quoted(text))[0].text, text);
}

TEST(ClientScriptTest, AnErrorNamesItsLineAndWhatWouldBeRight) {
  EXPECT_EQ(error_of("close\nsend \"x\""),
            "kv.txt:2: 'send': the connection was closed: put connect in front");
  EXPECT_EQ(error_of("connect"),
            "kv.txt:1: 'connect': the client has a connection: put close or reset in front");
  EXPECT_EQ(error_of("half-close\n\nsend \"x\""),
            "kv.txt:3: 'send': the sending side was shut down by half-close");
  EXPECT_EQ(error_of("send get"),
            "kv.txt:1: 'send': use a text in double quotes, like \"get k\\r\\n\"");
  EXPECT_EQ(error_of("send \"get"), "kv.txt:1: 'send': the text has no closing quote");
  EXPECT_EQ(error_of("send \"get\\\""), "kv.txt:1: 'send': the text has no closing quote");
  EXPECT_EQ(error_of("send \"a\" b"),
            "kv.txt:1: 'send': something stands behind the closing quote");
  EXPECT_EQ(error_of("expect \"\""), "kv.txt:1: 'expect': the text is empty");
  EXPECT_EQ(error_of("close now"), "kv.txt:1: 'close': nothing may follow it");
  EXPECT_EQ(error_of("send \"\xC3\""), "kv.txt:1: 'send': byte 0xC3: write it as \\xC3");
  for (const char* escape : {"\\q", "\\x4", "\\xZZ", "\\"}) {
    EXPECT_NE(error_of("send \"" + std::string(escape) + "\"").find("kv.txt:1: 'send': "),
              std::string::npos)
        << escape;
  }
  for (const char* time : {"", "10", "s", "-1s", "1h", "61m", "1.5s", "99999999999999999999s"}) {
    EXPECT_NE(error_of("sleep " + std::string(time)).find("is no time: use a whole number"),
              std::string::npos)
        << time;
  }
  EXPECT_NE(error_of("sent \"x\"").find("kv.txt:1: 'sent': there is no such step; there are send"),
            std::string::npos);
  EXPECT_EQ(error_of("# nothing\n"), "kv.txt: it has no steps");
}

}  // namespace
}  // namespace pollux::cli

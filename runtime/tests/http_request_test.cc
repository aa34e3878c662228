// SPDX-License-Identifier: MIT
// The parser of the HTTP example: where a request ends, and what must be refused so that nobody in
// front of the server can see other requests than the server does.
#include "examples/http_request.h"

#include <gtest/gtest.h>

#include <string>

namespace {

HttpParse parse(std::string_view text, HttpRequest* r) { return parse_http_request(text, r); }

TEST(HttpRequestTest, FindsTheRequestAndWhereItEnds) {
  HttpRequest r;
  const std::string head = "GET /a?b=c HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n";
  const std::string two = head + "GET /next";
  HttpParse p = parse(two, &r);
  ASSERT_EQ(p.state, HttpParse::State::complete);
  EXPECT_EQ(p.head_length, head.size());
  EXPECT_EQ(r.method, "GET");
  EXPECT_EQ(r.target, "/a?b=c");
  EXPECT_TRUE(r.keep_alive);
  EXPECT_EQ(r.content_length, 0u);
  // Every shorter piece is incomplete, none is an error.
  for (size_t n = 0; n < head.size(); n++) {
    EXPECT_EQ(parse(head.substr(0, n), &r).state, HttpParse::State::incomplete) << n;
  }
  const std::string late = "\r\n" + head;
  p = parse(late, &r);
  ASSERT_EQ(p.state, HttpParse::State::complete);
  EXPECT_EQ(p.head_length, head.size() + 2);
}

TEST(HttpRequestTest, WhoKeepsTheConnection) {
  const struct {
    const char* text;
    bool keep;
  } table[] = {
      {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true},
      {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade , CLOSE\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: x\r\nConnection: closed\r\n\r\n", true},
      {"GET / HTTP/1.0\r\n\r\n", false},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
  };
  for (const auto& row : table) {
    HttpRequest r;
    ASSERT_EQ(parse(row.text, &r).state, HttpParse::State::complete) << row.text;
    EXPECT_EQ(r.keep_alive, row.keep) << row.text;
  }
}

TEST(HttpRequestTest, BodiesHaveOneLength) {
  HttpRequest r;
  ASSERT_EQ(parse("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 42\r\n\r\n", &r).state,
            HttpParse::State::complete);
  EXPECT_EQ(r.content_length, 42u);
  ASSERT_EQ(
      parse("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\ncontent-length: 7\r\n\r\n", &r)
          .state,
      HttpParse::State::complete);
  EXPECT_EQ(r.content_length, 7u);
}

TEST(HttpRequestTest, RefusesWhatCouldBeReadInTwoWays) {
  using namespace std::string_literals;
  const struct {
    std::string text;
    int status;
  } table[] = {
      {"GET /\r\n\r\n", 400},
      {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET / x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"G(T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
      {"GET / HTTPS/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},  // no Host
      {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400},  // space before the colon
      {"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\ry\r\n\r\n", 400},        // a bare CR
      {"GET / HTTP/1.1\r\nHost: x\nEvil: y\r\n\r\n", 400},  // a bare LF
      {"GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n"s, 400},       // a NUL
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
  };
  for (const auto& row : table) {
    HttpRequest r;
    const HttpParse p = parse(row.text, &r);
    EXPECT_EQ(p.state, HttpParse::State::refused) << row.text;
    EXPECT_EQ(p.status, row.status) << row.text;
  }
}

TEST(HttpRequestTest, HasLimits) {
  HttpRequest r;
  EXPECT_EQ(parse(std::string(kHttpHeadMax - 1, 'x'), &r).state, HttpParse::State::incomplete);
  EXPECT_EQ(parse(std::string(kHttpHeadMax, 'x'), &r).status, 431);
  std::string many = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < kHttpFieldsMax - 1; i++) many += "A: b\r\n";
  EXPECT_EQ(parse(many + "\r\n", &r).state, HttpParse::State::complete);
  EXPECT_EQ(parse(many + "A: b\r\n\r\n", &r).status, 431);
}

}  // namespace

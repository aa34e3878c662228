// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>

#include <string>
#include <vector>

#include "fake_backend.h"

namespace pollux::shim {
namespace {

struct Answer {
  int error;
  std::vector<std::string> entries;  // "family address port type protocol"
};

std::string describe(const addrinfo& entry) {
  char text[INET6_ADDRSTRLEN];
  in_port_t port;
  if (entry.ai_family == AF_INET) {
    auto* in = reinterpret_cast<sockaddr_in*>(entry.ai_addr);
    inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    port = in->sin_port;
    EXPECT_EQ(entry.ai_addrlen, sizeof *in);
  } else {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(entry.ai_addr);
    inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
    port = in6->sin6_port;
    EXPECT_EQ(entry.ai_addrlen, sizeof *in6);
  }
  return std::string(text) + ' ' + std::to_string(ntohs(port)) + ' ' +
         std::to_string(entry.ai_socktype) + ' ' + std::to_string(entry.ai_protocol);
}

Answer ask(bool in_run, const char* node, const char* service, int family, int type, int flags) {
  addrinfo hints = {};
  hints.ai_family = family;
  hints.ai_socktype = type;
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  Answer answer;
  auto call = [&] { return getaddrinfo(node, service, &hints, &list); };
  answer.error = in_run ? in_a_run(call) : call();
  if (answer.error != 0) return answer;
  for (addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    answer.entries.push_back(describe(*entry));
  }
  freeaddrinfo(list);
  return answer;
}

// The run's resolver answers as libc does where both know the answer.
TEST(NamesTest, NumericAddressesResolveAsInLibc) {
  FakeBackend backend;
  struct Case {
    const char* node;
    const char* service;
    int family, type, flags;
  };
  for (const Case& c : std::vector<Case>{
           {"127.0.0.1", "80", AF_INET, SOCK_STREAM, 0},
           {"10.0.0.2", "7000", AF_UNSPEC, SOCK_STREAM, AI_NUMERICHOST | AI_NUMERICSERV},
           {"10.0.0.2", "7000", AF_UNSPEC, 0, 0},
           {"10.0.0.2", nullptr, AF_INET, SOCK_DGRAM, 0},
           {nullptr, "80", AF_INET, SOCK_STREAM, AI_PASSIVE},
           {nullptr, "80", AF_INET, SOCK_STREAM, 0},
           {nullptr, "80", AF_INET6, SOCK_STREAM, AI_PASSIVE},
           {"::1", "80", AF_UNSPEC, SOCK_STREAM, 0},
           {"10.0.0.2", "80", AF_INET6, SOCK_STREAM, AI_V4MAPPED},
           {"10.0.0.2", "80", AF_INET6, SOCK_STREAM, 0},
           {"::1", "80", AF_INET, SOCK_STREAM, 0},
           {"example.invalid", "80", AF_INET, SOCK_STREAM, AI_NUMERICHOST},
           {"localhost", "80", AF_INET, SOCK_STREAM, AI_NUMERICHOST},
           {"10.0.0.2", "http", AF_INET, SOCK_STREAM, AI_NUMERICSERV},
           {nullptr, nullptr, AF_INET, SOCK_STREAM, 0},
           {"10.0.0.2", "80", 77, SOCK_STREAM, 0}}) {
    Answer run = ask(true, c.node, c.service, c.family, c.type, c.flags);
    Answer real = ask(false, c.node, c.service, c.family, c.type, c.flags);
    std::string which = std::string(c.node ? c.node : "-") + ' ' + (c.service ? c.service : "-") +
                        " family " + std::to_string(c.family);
    EXPECT_EQ(run.error, real.error) << which;
    EXPECT_EQ(run.entries, real.entries) << which;
  }
  EXPECT_EQ(backend.calls, 0);
  EXPECT_EQ(backend.refused, "");
}

TEST(NamesTest, LocalhostIsLoopback) {
  FakeBackend backend;
  Answer answer = ask(true, "localhost", "80", AF_UNSPEC, SOCK_STREAM, AI_ADDRCONFIG);
  EXPECT_EQ(answer.entries, std::vector<std::string>{"127.0.0.1 80 1 6"});
}

TEST(NamesTest, AnyOtherNameIsRefusedByName) {
  FakeBackend backend;
  EXPECT_NE(ask(true, "example.com", "80", AF_INET, SOCK_STREAM, 0).error, 0);
  EXPECT_EQ(backend.refused, "getaddrinfo(\"example.com\")");
  EXPECT_NE(ask(true, "10.0.0.2", "http", AF_INET, SOCK_STREAM, 0).error, 0);
  EXPECT_EQ(backend.refused, "getaddrinfo service(\"http\")");
}

TEST(NamesTest, AddressesTurnBackIntoText) {
  FakeBackend backend;
  sockaddr_in in = {};
  in.sin_family = AF_INET;
  in.sin_port = htons(7000);
  in.sin_addr.s_addr = htonl(0x0a000002);
  char host[64], service[16];
  auto ask_name = [&](int flags) {
    return in_a_run([&] {
      return getnameinfo(reinterpret_cast<sockaddr*>(&in), sizeof in, host, sizeof host, service,
                         sizeof service, flags);
    });
  };
  EXPECT_EQ(ask_name(0), 0);
  EXPECT_STREQ(host, "10.0.0.2");
  EXPECT_STREQ(service, "7000");
  EXPECT_EQ(ask_name(NI_NAMEREQD), EAI_NONAME);
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(ask_name(0), 0);
  EXPECT_STREQ(host, "localhost");
  EXPECT_EQ(ask_name(NI_NUMERICHOST), 0);
  EXPECT_STREQ(host, "127.0.0.1");
}

}  // namespace
}  // namespace pollux::shim

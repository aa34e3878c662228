// SPDX-License-Identifier: MIT
#include "cli/exec_workload.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace pollux::cli {

using Json = nlohmann::json;

std::string to_text(const ExecWorkload& workload) {
  Json json = {
      {"argv", workload.arguments}, {"program", workload.program}, {"build", workload.build}};
  for (const ClientGroup& group : workload.clients) {
    json["clients"].push_back({{"address", group.address},
                               {"file", group.file},
                               {"script", group.script},
                               {"count", group.count}});
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ExecWorkload parse_exec_workload(const std::string& text) try {
  Json json = Json::parse(text);
  ExecWorkload workload{json.at("program"), json.at("argv"), json.at("build"), {}};
  for (const Json& group : json.value("clients", Json::array())) {
    workload.clients.push_back(
        {group.at("address"), group.at("file"), group.at("script"), group.at("count")});
  }
  return workload;
} catch (const Json::exception& error) {
  throw std::invalid_argument(error.what());
}

std::variant<ServerAddress, std::string> parse_server_address(std::string_view text) {
  const std::string right =
      "use an address of the program's host and a port, like 127.0.0.1:7000, "
      "10.0.0.1:7000 or [::1]:7000";
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return right;
  std::string_view digits = text.substr(colon + 1);
  uint16_t port = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0) return right;

  ServerAddress server{};
  std::string host(text.substr(0, colon));
  if (host == "[::1]") {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    in.sin6_addr = in6addr_loopback;
    std::memcpy(&server.address, &in, sizeof in);
    server.length = sizeof in;
    return server;
  }
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &in.sin_addr) != 1) return right;
  uint32_t ip = ntohl(in.sin_addr.s_addr);
  if (ip >> 24 != 127 && ip != 0x0A000001) return right;
  std::memcpy(&server.address, &in, sizeof in);
  server.length = sizeof in;
  return server;
}

}  // namespace pollux::cli

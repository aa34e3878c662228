// SPDX-License-Identifier: MIT
//
// The workload of the suite "exec" as a value: which program runs, and who its clients are. As text
// it is JSON; it holds the clients' scripts themselves, so that a token needs no file of theirs.
#pragma once

#include <netinet/in.h>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pollux::cli {

// Clients that play the same script.
struct ClientGroup {
  std::string address;  // "127.0.0.1:11211"
  std::string file;     // the script's, for messages
  std::string script;
  unsigned count = 1;
};

struct ExecWorkload {
  std::string program;  // path
  std::vector<std::string> arguments;
  std::string build;
  std::vector<ClientGroup> clients;
};

// Each client is a virtual thread on a host of its own.
inline constexpr unsigned kClientsMax = 32;

std::string to_text(const ExecWorkload&);
// Throws std::invalid_argument when it is none.
ExecWorkload parse_exec_workload(const std::string& text);

// The address of a client's server, as one of the program's host: 127/8, 10.0.0.1, [::1].
struct ServerAddress {
  sockaddr_storage address;
  socklen_t length;
};
// Message: what would be right.
std::variant<ServerAddress, std::string> parse_server_address(std::string_view text);

}  // namespace pollux::cli

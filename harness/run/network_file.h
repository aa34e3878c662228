// SPDX-License-Identifier: MIT
//
// A network as a user writes it down: hosts, links and rules in TOML (docs/network.md).
//
// A plan of a run carries the text itself, and so does its token: a replay needs no file, and none
// can come between.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "pollux/network.h"

namespace pollux::run {

struct NetworkFile {
  std::string name;  // of the file, for messages
  std::string text;
  NetworkPlan plan;
};

// What was wrong, where, and what would be right: "lossy.toml:12: ...".
struct NetworkFileError {
  std::string message;
};

std::variant<std::shared_ptr<const NetworkFile>, NetworkFileError> parse_network(
    std::string_view text, std::string_view name);
std::variant<std::shared_ptr<const NetworkFile>, NetworkFileError> load_network(
    const std::string& path);

// Both none, or the same text.
bool same_network(const std::shared_ptr<const NetworkFile>&,
                  const std::shared_ptr<const NetworkFile>&);

}  // namespace pollux::run

// SPDX-License-Identifier: MIT
//
// Reads the fault catalogue (faults.toml) and turns it into code.
//
// Used at build time by generate.cc only; the program itself sees the generated tables.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pollux::faults::catalogue {

// One [[fault]], every text as it stands in the file. The keys are explained at the file's top.
struct Row {
  std::string name;
  std::vector<std::string> calls;
  std::string outcome;
  std::string grade;
  std::string error;  // "" when the fault is not an error
  std::string source;
  std::string needs;
  std::string rule;
  std::string follow_up;
};

// One line: "faults.toml:12: what is wrong and what would be right".
struct Error {
  std::string message;
};

std::variant<std::vector<Row>, Error> parse(std::string_view text, std::string_view origin);

// The constant of a point: "k_posix_io_rw_read_eagain".
std::string identifier(std::string_view name);

// The text of catalogue.h and catalogue.cc.
std::string header_text(const std::vector<Row>&);
std::string source_text(const std::vector<Row>&);

}  // namespace pollux::faults::catalogue

// SPDX-License-Identifier: MIT
//
// Failures, kept in an SQLite file. Each is committed before `add` returns, so that killing the
// process right after loses nothing.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace pollux::run {

struct Failure {
  std::string at;  // UTC, ISO 8601; set by add
  std::string suite;
  std::string seed;  // decimal; empty when the failure did not come from one
  std::string profile;
  std::string strategy;
  std::string verdict;
  std::string property;
  std::string reason;
  std::string workload;
  std::string hash;
  std::string build;
  std::string token;
};

class FailuresDb {
 public:
  // The file is made when there is none and `create` is set. Message: what went wrong.
  static std::variant<FailuresDb, std::string> open(const std::string& path, bool create);
  FailuresDb(FailuresDb&&) noexcept;
  ~FailuresDb();

  // Empty, or what went wrong. A failure that is known already (same token) is not added again.
  std::string add(const Failure&);
  std::vector<Failure> list() const;  // in the order of adding

 private:
  FailuresDb() = default;
  sqlite3* handle_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

}  // namespace pollux::run

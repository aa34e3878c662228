// SPDX-License-Identifier: MIT
#include "run/failures_db.h"

#include <sqlite3.h>

#include <utility>

namespace pollux::run {
namespace {

constexpr const char* kSchema =
    "PRAGMA busy_timeout = 10000;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"  // a kill of the process loses nothing; only a power cut might
    "CREATE TABLE IF NOT EXISTS failures("
    "  id INTEGER PRIMARY KEY, at TEXT NOT NULL, suite TEXT NOT NULL, seed TEXT NOT NULL,"
    "  profile TEXT NOT NULL, strategy TEXT NOT NULL, verdict TEXT NOT NULL, property TEXT NOT "
    "NULL,"
    "  reason TEXT NOT NULL, workload TEXT NOT NULL, hash TEXT NOT NULL, build TEXT NOT NULL,"
    "  token TEXT NOT NULL UNIQUE);";

constexpr const char* kInsert =
    "INSERT OR IGNORE INTO failures(at, suite, seed, profile, strategy, verdict, property, reason,"
    " workload, hash, build, token)"
    " VALUES(strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

constexpr const char* kSelect =
    "SELECT at, suite, seed, profile, strategy, verdict, property, reason, workload, hash, build,"
    " token FROM failures ORDER BY id";

// In the order of the columns; `at` is not in kInsert.
constexpr std::string Failure::*kColumns[] = {
    &Failure::at,       &Failure::suite,   &Failure::seed,     &Failure::profile,
    &Failure::strategy, &Failure::verdict, &Failure::property, &Failure::reason,
    &Failure::workload, &Failure::hash,    &Failure::build,    &Failure::token};

}  // namespace

FailuresDb::FailuresDb(FailuresDb&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)),
      insert_(std::exchange(other.insert_, nullptr)) {}

FailuresDb::~FailuresDb() {
  sqlite3_finalize(insert_);
  sqlite3_close(handle_);
}

std::variant<FailuresDb, std::string> FailuresDb::open(const std::string& path, bool create) {
  FailuresDb db;
  int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
  bool good = sqlite3_open_v2(path.c_str(), &db.handle_, flags, nullptr) == SQLITE_OK &&
              sqlite3_exec(db.handle_, kSchema, nullptr, nullptr, nullptr) == SQLITE_OK &&
              sqlite3_prepare_v2(db.handle_, kInsert, -1, &db.insert_, nullptr) == SQLITE_OK;
  if (!good)
    return "can not use '" + path + "' as failures database: " + sqlite3_errmsg(db.handle_);
  return db;
}

std::string FailuresDb::add(const Failure& failure) {
  int column = 0;
  for (auto member : kColumns) {
    if (column != 0) {
      const std::string& text = failure.*member;
      sqlite3_bind_text(insert_, column, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    }
    ++column;
  }
  int code = sqlite3_step(insert_);
  std::string error = code == SQLITE_DONE ? "" : sqlite3_errmsg(handle_);
  sqlite3_reset(insert_);
  return error;
}

std::vector<Failure> FailuresDb::list() const {
  std::vector<Failure> failures;
  sqlite3_stmt* select = nullptr;
  if (sqlite3_prepare_v2(handle_, kSelect, -1, &select, nullptr) != SQLITE_OK) return failures;
  while (sqlite3_step(select) == SQLITE_ROW) {
    Failure failure;
    int column = 0;
    for (auto member : kColumns) {
      const unsigned char* text = sqlite3_column_text(select, column++);
      if (text != nullptr) (failure.*member).assign(reinterpret_cast<const char*>(text));
    }
    failures.push_back(std::move(failure));
  }
  sqlite3_finalize(select);
  return failures;
}

}  // namespace pollux::run

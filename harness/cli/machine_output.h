// SPDX-License-Identifier: MIT
//
// Results for programs: one JSON object per line on stdout, and a JUnit file.
//
// JSON, version 1 (additive changes only): every object has "v" and "event"; 64-bit numbers are
// strings; "event" is "start", "verdict" (one per run that did not hold), "progress" or "summary".
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "run/sweep.h"

namespace pollux::cli {

class JsonLines {
 public:
  explicit JsonLines(bool on) : on_(on) {}
  bool on() const { return on_; }
  void start(const run::SweepRequest&) const;
  void verdict(const run::SweepRequest&, const run::SweepFailure&, const std::string& token) const;
  void progress(const run::SweepRequest&, const run::SweepTotals&, double share) const;
  void summary(const run::SweepRequest&, const run::SweepTotals&, int exit_code) const;

 private:
  void print(nlohmann::json) const;
  bool on_;
};

struct JunitSuite {
  struct Failure {
    std::string name, verdict, message, text;
  };
  std::string name;
  std::string passed;  // name of the case that stands for the sweep as a whole
  double seconds = 0;
  uint64_t runs = 0;
  std::vector<Failure> failures;
};

// False when the file can not be written.
bool write_junit(const std::string& path, const std::vector<JunitSuite>&);

}  // namespace pollux::cli

// SPDX-License-Identifier: MIT
//
// How far a sweep is, on stderr: a bar on a terminal, one line per ten seconds elsewhere.
#pragma once

#include <chrono>
#include <string>

#include "run/sweep.h"

namespace pollux::cli {

class Progress {
 public:
  enum class Kind { bar, lines, none };

  // A bar when stderr is a terminal that takes one.
  static Kind suitable();

  Progress(Kind kind, std::string title);
  ~Progress();
  void show(const run::SweepTotals&, double share);
  // Takes the bar off the line, so that something else can be printed.
  void clear();

 private:
  Kind kind_;
  std::string title_;
  bool colour_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace pollux::cli

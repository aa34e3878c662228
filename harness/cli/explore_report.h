// SPDX-License-Identifier: MIT
//
// What `pollux explore` says: for a person, or as JSON lines (machine_output.h has their rules).
#pragma once

#include <string>

#include "run/explore.h"

namespace pollux::cli {

class ExploreReport final : public run::ExploreListener {
 public:
  ExploreReport(const run::ExploreRequest&, bool json, bool quiet);

  void start() const;
  void on_progress(const run::ExploreTotals&) override;
  // Prints everything there is to say at the end. `token` of the failure, if there is one.
  void end(const run::ExploreTotals&, const std::string& token, int exit_code);

 private:
  void print_level(const run::ExploreLevel&) const;
  void print_bound(const run::ExploreTotals&) const;
  void print_end(const run::ExploreTotals&) const;
  void json_end(const run::ExploreTotals&, const std::string& token, int exit_code) const;

  const run::ExploreRequest& request_;
  bool json_, quiet_, terminal_;
  size_t levels_printed_ = 0;
  double last_ = 0;  // seconds at the last sign of progress
};

}  // namespace pollux::cli

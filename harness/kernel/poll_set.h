// SPDX-License-Identifier: MIT
//
// Waiting for any of several files: what poll and select have in common.
#pragma once

#include <vector>

#include "kernel/clocks.h"
#include "kernel/file.h"

namespace pollux::kernel {

class PollSet {
 public:
  PollSet() = default;
  ~PollSet();
  PollSet(const PollSet&) = delete;
  PollSet& operator=(const PollSet&) = delete;

  // The file wakes wait() when one of `events` happens.
  void watch(File*, uint32_t events);
  // Blocks; false: `deadline` passed.
  bool wait(Time deadline);

 private:
  std::vector<PollEntry> entries_;
  bool linked_ = false;
};

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
#pragma once

#include "pollux/shim/gate.h"

namespace pollux::explore {

// Opens the gate for program code that the harness calls.
class ProgramScope {
 public:
  ProgramScope() : saved_(shim::pollux_gate) { shim::pollux_gate = shim::thread_pointer(); }
  ~ProgramScope() { shim::pollux_gate = saved_; }
  ProgramScope(const ProgramScope&) = delete;
  ProgramScope& operator=(const ProgramScope&) = delete;

 private:
  uintptr_t saved_;
};

}  // namespace pollux::explore

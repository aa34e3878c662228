// SPDX-License-Identifier: MIT
//
// Where a thread was switched away, in words of the program: before which operation of which
// function, for the how-manieth time. An edit elsewhere moves the number of a scheduling point and
// leaves this as it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pollux/world.h"

namespace pollux::run {

struct Meaning {
  std::string function;     // the innermost one of the program; empty: its code has no names
  std::string operation;    // "stores", "accept4", "mutex_lock"; empty: there is no meaning
  uint32_t occurrence = 0;  // of this operation in this function by this thread, from 0

  bool known() const { return !operation.empty(); }
  friend bool operator==(const Meaning&, const Meaning&) = default;
};

// "before stores in toy_add, time 3"
std::string to_string(const Meaning&);

// Of each deviation of a run that has its log. Unknown for those that are not at a point: they are
// counted by operations already, or belong to the network.
std::vector<Meaning> meanings_of(const RunResult& logged);

// The ordinal of the actor's choice there in another run that has its log.
std::optional<uint32_t> ordinal_of(const Meaning&, Actor, const RunResult& logged);

}  // namespace pollux::run

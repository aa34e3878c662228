// SPDX-License-Identifier: MIT
//
// A suite: a kind of workload, a program that carries it out, and the properties that must hold.
//
// The command finds suites by name (`pollux run netpoll`). A workload is a short printable text in
// the suite's own syntax, so that a token can carry it, a person can read it, and it means the same
// whatever generated it.
//
// Threads: called outside of runs, on one thread, except `populate`'s thread bodies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pollux/world.h"

namespace pollux {

class Suite {
 public:
  virtual ~Suite() = default;

  virtual std::string_view name() const = 0;         // "netpoll"
  virtual std::string_view description() const = 0;  // one line for `pollux run --list`

  // What the seed stands for. The same seed gives the same text in every build.
  virtual std::string workload(uint64_t seed) const = 0;

  // Empty when `workload` is well formed, otherwise one line: what, where, what would be right.
  virtual std::string validate(const std::string& workload) const = 0;

  // Smaller workloads, most promising first; none when it can not get smaller.
  virtual std::vector<std::string> shrinks(const std::string& workload) const = 0;

  // What the workload does, for a person; one line.
  virtual std::string describe(const std::string& workload) const = 0;

  // Adds the run's threads. Bounds and network in `options` may be changed before the world is
  // made.
  virtual void adjust(const std::string& workload, RunOptions& options) const {
    (void)workload, (void)options;
  }
  virtual void populate(const std::string& workload, World& world) const = 0;

  // A suite whose subject has a bug on purpose: left out of `pollux run all` and marked in lists.
  virtual bool planted() const { return false; }
};

// Suites register themselves once, from a static object's constructor or from main. Not owned.
void register_suite(const Suite*);
std::vector<const Suite*> suites();  // by name
const Suite* find_suite(std::string_view name);

}  // namespace pollux

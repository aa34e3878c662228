// SPDX-License-Identifier: MIT
//
// The suites over protocols (subjects/protocols.h): made for `pollux explore`. A program has one
// workload, its own name.
//
//   polldesc, messages, event, expiry, deadlines, reuse, fdmutex, pollfd, break    hold
//   with -BUG behind    planted bugs (planted/README.md)
#pragma once

#include "pollux/suite.h"

namespace pollux::properties {

using ProtocolProgram = void (*)(void (*ready)());

struct ProtocolTraits {
  const char* name;
  const char* description;
  ProtocolProgram program;
  bool planted = false;
};

class ProtocolSuite final : public Suite {
 public:
  explicit ProtocolSuite(const ProtocolTraits& traits) : traits_(traits) {}

  std::string_view name() const override { return traits_.name; }
  std::string_view description() const override { return traits_.description; }
  std::string workload(uint64_t) const override { return traits_.name; }
  std::string validate(const std::string& workload) const override;
  std::vector<std::string> shrinks(const std::string&) const override { return {}; }
  std::string describe(const std::string&) const override { return traits_.description; }
  void populate(const std::string& workload, World& world) const override;
  bool planted() const override { return traits_.planted; }

 private:
  ProtocolTraits traits_;
};

}  // namespace pollux::properties

// SPDX-License-Identifier: MIT
//
// The suites over network scenarios (models/network_scenario.h): an echo server on netpoll or on
// Boost.Asio, and clients on hosts of their own, which are plain blocking POSIX code and not under
// test. What must hold:
//
//   stream-bytes      a client reads back what it sent, in order, each byte once
//   complete          while nothing happens that ends a connection, every message comes back:
//                     loss, delay and partitions that heal only take time
//   deadline-in-time  a deadline ends a read or a write, not early and soon
//   error-explained   the server meets errors only where the scenario ends connections
//
// and what every run must: it ends, with nothing left open. A server that forgets its deadlines
// hangs when a peer is gone in silence, which no other suite can show: network-asio-forgets and
// network-netpoll-forgets.
#pragma once

#include "models/network_scenario.h"
#include "pollux/suite.h"
#include "subjects/network_server.h"

namespace pollux::properties {

class NetworkSuite final : public Suite {
 public:
  struct Traits {
    const char* name;
    const char* description;
    void (*server)(const NetworkServer*);
    bool forgets_deadline = false;
  };
  explicit NetworkSuite(const Traits& traits) : traits_(traits) {}

  std::string_view name() const override { return traits_.name; }
  std::string_view description() const override { return traits_.description; }
  std::string workload(uint64_t seed) const override;
  std::string validate(const std::string& workload) const override;
  std::vector<std::string> shrinks(const std::string& workload) const override;
  std::string describe(const std::string& workload) const override;
  void adjust(const std::string& workload, RunOptions& options) const override;
  void populate(const std::string& workload, World& world) const override;
  bool planted() const override { return traits_.forgets_deadline; }

 private:
  Traits traits_;
};

}  // namespace pollux::properties

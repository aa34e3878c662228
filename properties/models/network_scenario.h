// SPDX-License-Identifier: MIT
//
// A network scenario: clients on hosts of their own talk to an echo server over a bad network.
//
//   c2;m5;b3000;d900000ms;u10000us;x20;cut@40ms+3000ms
//
// c clients, each sends m messages of b bytes and reads each back; the server gives every read d to
// come; the links' latency is constant (k), uniform (u) or heavy-tailed (h) from a least to twenty
// times as much; one packet in x is lost; and at most one thing happens, to all clients or the
// first one, at a time and for a time:
//
//   cut     no packet between server and clients       there   none from the clients
//   back    none to the clients                        off     the first client's host is off
//   half    what lies between forgets all connections  reset   all connections are reset
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pollux/network.h"

namespace pollux::properties {

struct NetworkScenario {
  enum class Event : uint8_t { none, cut, there, back, off, half, reset };

  uint32_t clients = 1;
  uint32_t messages = 1;
  uint32_t bytes = 100;
  uint32_t deadline_ms = 900'000;
  char latency = 'k';  // k, u or h
  uint32_t least_us = 1000;
  uint32_t loss_one_in = 0;
  Event event = Event::none;
  uint32_t at_ms = 0, lasts_ms = 0;

  // Nothing happens that ends a connection: every message must come back.
  bool is_harmless() const {
    return event == Event::none || event == Event::cut || event == Event::there ||
           event == Event::back;
  }
  friend bool operator==(const NetworkScenario&, const NetworkScenario&) = default;
};

inline constexpr uint32_t kScenarioClientsMax = 4;

std::string to_text(const NetworkScenario&);
// Message: what was wrong, where, and what would be right; one line.
std::variant<NetworkScenario, std::string> parse_network_scenario(std::string_view);
NetworkScenario network_scenario_of_seed(uint64_t seed);
// Smaller ones, most promising first.
std::vector<NetworkScenario> smaller_scenarios(const NetworkScenario&);
std::string describe(const NetworkScenario&);

// Host 0 is the server's, the clients are at hosts 1, 2, ...
NetworkPlan plan_of(const NetworkScenario&);

}  // namespace pollux::properties

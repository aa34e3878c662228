// SPDX-License-Identifier: MIT
//
// The network as threads of a run meet it: each call becomes a rule of the twin.

#include "pollux/network.h"

#include <cstdio>
#include <cstdlib>

#include "explore/scheduler.h"
#include "kernel/network_rules.h"
#include "pollux/shim/gate.h"

namespace pollux {
namespace {

using Kind = RulePlan::Kind;

[[noreturn]] void refuse(const char* what, const std::string& why) {
  std::fprintf(stderr, "pollux: Network::%s: %s\n", what, why.c_str());
  std::abort();
}

uint32_t begin(const char* what, const RulePlan& plan) {
  if (!shim::in_run()) refuse(what, "there is no run; what is known before goes into a plan");
  for (unsigned host : {plan.a, plan.b}) {
    if (host >= kNetworkHosts) {
      refuse(what, "host " + std::to_string(host) + ": hosts are numbers below " +
                       std::to_string(kNetworkHosts));
    }
  }
  shim::HarnessScope scope;
  if (plan.kind == Kind::crash && plan.a == explore::current_host()) {
    refuse(what, "a host can not switch itself off: let a thread on kObserver do it");
  }
  return kernel::begin_rule(plan);
}

}  // namespace

void Rule::end() {
  uint32_t id = std::exchange(id_, 0);
  // A run that was over before leaves nothing to end.
  if (id == 0 || !shim::in_run()) return;
  shim::HarnessScope scope;
  kernel::end_rule(id);
}

void Rule::keep() {
  uint32_t id = std::exchange(id_, 0);
  if (id == 0 || !shim::in_run()) return;
  shim::HarnessScope scope;
  kernel::keep_rule(id);
}

Rule Network::partition(unsigned a, unsigned b) {
  return Rule(begin("partition", {.kind = Kind::partition, .a = a, .b = b}));
}

Rule Network::partition_one_way(unsigned from, unsigned to) {
  return Rule(begin("partition_one_way", {.kind = Kind::one_way, .a = from, .b = to}));
}

Rule Network::isolate(unsigned host) {
  return Rule(begin("isolate", {.kind = Kind::isolate, .a = host, .b = host}));
}

Rule Network::change(unsigned a, unsigned b, const LinkOptions& options) {
  return Rule(begin("change", {.kind = Kind::change, .a = a, .b = b, .link = options}));
}

Rule Network::crash(unsigned host) {
  return Rule(begin("crash", {.kind = Kind::crash, .a = host, .b = host}));
}

void Network::reset(unsigned a, unsigned b) {
  begin("reset", {.kind = Kind::reset, .a = a, .b = b});
}

void Network::half_open(unsigned a, unsigned b) {
  begin("half_open", {.kind = Kind::half_open, .a = a, .b = b});
}

}  // namespace pollux

// SPDX-License-Identifier: MIT
//
// Rules of the network, whoever makes them: a plan, whose rules begin and end as entries of the
// timeline, or a thread of the run (pollux::Rule). A rule that something depends on, such as the
// restart of its host, remembers it here until it ends.
#include "kernel/network_rules.h"

#include <string>
#include <vector>

#include "explore/never_destroyed.h"
#include "explore/scheduler.h"
#include "kernel/check.h"
#include "kernel/host.h"
#include "kernel/links.h"
#include "kernel/pools.h"
#include "kernel/state.h"
#include "trace/recorder.h"

namespace pollux::kernel {
namespace {

struct ActiveRule {
  RulePlan plan;
  bool on = false;
  unsigned stopped = 0;  // threads that a crash stopped and that are waited for
};

struct Rules {
  std::vector<ActiveRule> all;  // by id - 1; those that ended stay
  const NetworkPlan* plan = nullptr;
  Boot boot;
};
explore::NeverDestroyed<Rules> rules_storage;
constexpr Rules& rules = rules_storage.value;

// The connections between the two hosts that have both ends, by the end that is at a (or at b, for
// those that a accepted): each once.
template <class Visit>
void visit_connections(unsigned a, unsigned b, Visit visit) {
  pools.tcp_sockets.visit_used([&](TcpSocket& socket) {
    if (socket.out == nullptr || socket.out->from != &socket) return;
    unsigned from = socket.out->from_host, to = socket.out->to_host;
    // A socket of a loopback connection is met twice, as is a connection from either end.
    if ((from == a && to == b) || (from == b && to == a)) visit(socket);
  });
}

// A way that was open is so no more.
void watch_for_silence() {
  pools.tcp_sockets.visit_used([](TcpSocket& socket) {
    if (socket.out != nullptr) socket.watch_for_silence();
  });
}

void cut(unsigned a, unsigned b, bool on) {
  links.cut(a, b, on);
  if (on) watch_for_silence();
}

void note(const RulePlan& plan, const char* what) {
  if (__builtin_expect(!trace::recorder.text, 1)) return;
  static constexpr const char* kNames[] = {
      "partition", "one-way partition", "isolation", "change", "crash", "reset", "half-open"};
  const char* name = kNames[static_cast<unsigned>(plan.kind)];
  if (plan.kind == RulePlan::Kind::isolate || plan.kind == RulePlan::Kind::crash) {
    trace::line(trace::What::note, "%s of host %u %s", name, plan.a, what);
  } else {
    trace::line(trace::What::note, "%s of hosts %u and %u %s", name, plan.a, plan.b, what);
  }
}

void begin(ActiveRule& rule, uint32_t id) {
  const RulePlan& plan = rule.plan;
  note(plan, "begins");
  switch (plan.kind) {
    case RulePlan::Kind::partition:
      cut(plan.a, plan.b, true);
      if (plan.a != plan.b) cut(plan.b, plan.a, true);
      return;
    case RulePlan::Kind::one_way:
      return cut(plan.a, plan.b, true);
    case RulePlan::Kind::isolate:
      links.isolate(plan.a, true);
      return watch_for_silence();
    case RulePlan::Kind::change:
      links.change(plan.a, plan.b, id, plan.link);
      if (plan.a != plan.b) links.change(plan.b, plan.a, id, plan.link);
      return;
    case RulePlan::Kind::crash:
      // Two rules may want the same host to be off: the first one has it.
      rule.on = !links.is_down(plan.a);
      if (!rule.on) return;
      rule.stopped = crash_host(plan.a);
      return watch_for_silence();
    case RulePlan::Kind::reset:
      rule.on = false;
      return visit_connections(plan.a, plan.b, [](TcpSocket& socket) {
        if (socket.may_be_reset_by_network()) socket.reset_by_network();
      });
    case RulePlan::Kind::half_open:
      rule.on = false;
      visit_connections(plan.a, plan.b, [](TcpSocket& socket) {
        socket.in->recovery.forgotten = socket.out->recovery.forgotten = true;
      });
      return watch_for_silence();
  }
}

void end(ActiveRule& rule, uint32_t id) {
  const RulePlan& plan = rule.plan;
  rule.on = false;
  note(plan, "ends");
  switch (plan.kind) {
    case RulePlan::Kind::partition:
      cut(plan.a, plan.b, false);
      if (plan.a != plan.b) cut(plan.b, plan.a, false);
      return;
    case RulePlan::Kind::one_way:
      return cut(plan.a, plan.b, false);
    case RulePlan::Kind::isolate:
      return links.isolate(plan.a, false);
    case RulePlan::Kind::change:
      links.change_back(plan.a, plan.b, id);
      if (plan.a != plan.b) links.change_back(plan.b, plan.a, id);
      return;
    case RulePlan::Kind::crash:
      restart_host(plan.a);
      if (rules.boot) rules.boot(plan.a);
      explore::wait_for_fewer(rule.stopped);
      return;
    case RulePlan::Kind::reset:
    case RulePlan::Kind::half_open:
      return;
  }
}

}  // namespace

void begin_rules(const NetworkPlan* plan, Boot boot) {
  rules.all.clear();
  rules.plan = plan;
  rules.boot = std::move(boot);
  if (plan == nullptr) return;
  for (size_t i = 0; i < plan->rules.size(); ++i) {
    POLLUX_KERNEL_CHECK(plan->rules[i].a < kNetworkHosts && plan->rules[i].b < kNetworkHosts);
    state.timeline->add(
        plan->rules[i].from_ns,
        [](void*, uint64_t place, uint64_t) {
          const RulePlan& rule = rules.plan->rules[place];
          uint32_t id = begin_rule(rule);
          if (rule.to_ns < 0) return keep_rule(id);
          state.timeline->add(
              rule.to_ns,
              [](void*, uint64_t ended, uint64_t) { end_rule(static_cast<uint32_t>(ended)); },
              nullptr, id);
        },
        nullptr, i);
  }
}

uint32_t begin_rule(const RulePlan& plan) {
  rules.all.push_back({plan, true, 0});
  auto id = static_cast<uint32_t>(rules.all.size());
  begin(rules.all.back(), id);
  return id;
}

void end_rule(uint32_t id) {
  POLLUX_KERNEL_CHECK(id != 0 && id <= rules.all.size());
  // What begins anew may make rules.
  ActiveRule rule = rules.all[id - 1];
  rules.all[id - 1].on = false;
  if (rule.on) end(rule, id);
}

void keep_rule(uint32_t id) {
  POLLUX_KERNEL_CHECK(id != 0 && id <= rules.all.size());
  explore::wait_for_fewer(rules.all[id - 1].stopped);
  rules.all[id - 1].stopped = 0;
}

}  // namespace pollux::kernel

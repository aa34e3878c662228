// SPDX-License-Identifier: MIT
//
// What happens to the network while a run goes on.
//
// Threads: on the carrier of the run, gate closed.
#pragma once

#include <cstdint>
#include <functional>

#include "pollux/network.h"

namespace pollux::kernel {

// What begins on a host when it is on again.
using Boot = std::function<void(unsigned host)>;

// The rules of the plan (null: none) are put into the timeline, which was reset before.
void begin_rules(const NetworkPlan*, Boot);

// Never 0.
uint32_t begin_rule(const RulePlan&);
void end_rule(uint32_t id);
// It will not be ended.
void keep_rule(uint32_t id);

}  // namespace pollux::kernel

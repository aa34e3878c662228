// SPDX-License-Identifier: MIT
//
// The scripted clients of a program under `pollux exec`, inside its run.
#pragma once

#include <string>
#include <vector>

#include "cli/exec_workload.h"
#include "pollux/network.h"

namespace pollux::cli {

// Adds the clients to the run, each a virtual thread on a host of its own. Gate closed, before the
// program's first instruction; the scripts are known to be good. With a network that has a plan,
// which outlives the run, the end of a connection is no violation, either.
void start_clients(const std::vector<ClientGroup>&, const NetworkPlan*);
// A host is on again: its client begins its script anew.
void start_clients_of(unsigned host);

// A client that the program leaves behind when it ends now: "kv.txt:7: ..." for a verdict; empty
// when there is none. A client that only waits for the server to close is content.
std::string client_left_behind();

}  // namespace pollux::cli

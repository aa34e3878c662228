// SPDX-License-Identifier: MIT
#include "suites/protocol_suite.h"

#include "suites/faults_of_run.h"

namespace pollux::properties {

std::string ProtocolSuite::validate(const std::string& workload) const {
  if (workload == traits_.name) return "";
  return "'" + workload + "' is no workload of suite " + traits_.name + ": its only one is '" +
         traits_.name + "'";
}

void ProtocolSuite::populate(const std::string&, World& world) const {
  world.add_thread("main", 0, [program = traits_.program] {
    hold_faults();
    program(release_faults);
  });
}

}  // namespace pollux::properties

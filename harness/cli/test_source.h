// SPDX-License-Identifier: MIT
//
// A failure as the source of a GoogleTest that needs nothing but the public headers, the suite and
// the harness: what stays in the tree when the bug is fixed.
#pragma once

#include <string>

#include "run/explain.h"

namespace pollux::cli {

// The test fails with the recorded verdict for as long as the failure is there, and holds when it
// is gone. The plan's suite must be one that can be linked: not that of `pollux exec`.
std::string test_source(const run::Explanation&, const std::string& token);

}  // namespace pollux::cli

// SPDX-License-Identifier: MIT
//
// `pollux replay` of another build's token: says whether and how its failure is here, too.
#pragma once

#include <optional>

#include "cli/token_argument.h"
#include "run/worker.h"

namespace pollux::cli {

// Prints what was found. The failure as a token of this build; nothing when it is not here, and
// `code` is then what to exit with.
std::optional<GivenToken> replay_elsewhere(const GivenToken&, run::Runner&, int& code);

}  // namespace pollux::cli

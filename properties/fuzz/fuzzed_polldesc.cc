// SPDX-License-Identifier: MIT
//
// One planted bug by itself, under the name that it has in `pollux`: a fuzzer's program has no use
// for the others.
#include "subjects/protocols.h"
#include "suites/protocol_suite.h"

namespace pollux::properties {
namespace {

const ProtocolSuite kSuite({.name = "polldesc-no-recheck",
                            .description = "parks without a second look at close and deadline",
                            .program = pollux_protocol_polldesc,
                            .planted = true});

const bool registered = (register_suite(&kSuite), true);

}  // namespace
}  // namespace pollux::properties

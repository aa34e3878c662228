// SPDX-License-Identifier: MIT
#include "subjects/protocols.h"
#include "suites/protocol_suite.h"

namespace pollux::properties {
namespace {

const ProtocolSuite kSuites[] = {
    ProtocolSuite({.name = "polldesc",
                   .description = "a reader, data, a deadline set and extended, a close",
                   .program = pollux_protocol_polldesc}),
    ProtocolSuite({.name = "messages",
                   .description = "a reader and two messages",
                   .program = pollux_protocol_messages}),
    ProtocolSuite({.name = "event",
                   .description = "a reader of two events, a deadline that comes and is moved",
                   .program = pollux_protocol_event}),
    ProtocolSuite({.name = "expiry",
                   .description = "a reader and a writer that only their deadlines end",
                   .program = pollux_protocol_expiry}),
    ProtocolSuite({.name = "deadlines",
                   .description = "a reader, a deadline for both directions, each moved alone",
                   .program = pollux_protocol_deadlines}),
    ProtocolSuite(
        {.name = "reuse",
         .description = "a descriptor closed with an event and a timer due, another opened",
         .program = pollux_protocol_reuse}),
    ProtocolSuite({.name = "pollfd",
                   .description = "a read, a deadline and a close of one poll_fd",
                   .program = pollux_protocol_pollfd}),
    ProtocolSuite({.name = "fdmutex",
                   .description = "two readers and a close on one fd_mutex",
                   .program = pollux_protocol_fdmutex}),
    ProtocolSuite({.name = "break",
                   .description = "three wake-ups for a poller that blocks, and one that does not",
                   .program = pollux_protocol_break}),
};

const bool registered = [] {
  for (const ProtocolSuite& suite : kSuites) register_suite(&suite);
  return true;
}();

}  // namespace
}  // namespace pollux::properties

// SPDX-License-Identifier: MIT
#include "subjects/protocols.h"
#include "suites/protocol_suite.h"

namespace pollux::properties {
namespace {

const ProtocolSuite kSuites[] = {
    ProtocolSuite({.name = "polldesc",
                   .description = "a reader, data, a deadline set and extended, a close",
                   .program = pollux_protocol_polldesc}),
    ProtocolSuite({.name = "polldesc-no-recheck",
                   .description = "polldesc whose reader parks without a second look",
                   .program = pollux_protocol_polldesc_no_recheck,
                   .planted = true}),
    ProtocolSuite({.name = "polldesc-release-publish",
                   .description = "polldesc whose close publishes by a release store, weak memory",
                   .program = pollux_protocol_polldesc_release_publish,
                   .planted = true,
                   .weak_memory = true}),
    ProtocolSuite({.name = "messages",
                   .description = "a reader and two messages",
                   .program = pollux_protocol_messages}),
    ProtocolSuite(
        {.name = "messages-plain-consume",
         .description = "messages whose reader consumes readiness by a store, weak memory",
         .program = pollux_protocol_messages_plain_consume,
         .planted = true,
         .weak_memory = true}),
    ProtocolSuite({.name = "fdmutex",
                   .description = "two readers and a close on one fd_mutex",
                   .program = pollux_protocol_fdmutex}),
    ProtocolSuite({.name = "fdmutex-forgets-waiters",
                   .description = "fdmutex whose close leaves the readers that wait",
                   .program = pollux_protocol_fdmutex_forgets_waiters,
                   .planted = true}),
    ProtocolSuite({.name = "break",
                   .description = "three wake-ups for a poller that blocks, and one that does not",
                   .program = pollux_protocol_break}),
    ProtocolSuite({.name = "break-clears-first",
                   .description = "break whose poller clears its flag before it drains",
                   .program = pollux_protocol_break_clears_first,
                   .planted = true}),
};

const bool registered = [] {
  for (const ProtocolSuite& suite : kSuites) register_suite(&suite);
  return true;
}();

}  // namespace
}  // namespace pollux::properties

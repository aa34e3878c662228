// SPDX-License-Identifier: MIT
// Dialling one of several addresses.
#pragma once

#include "src/socket.h"

namespace netpoll {

// See dial_tcp in netpoll/tcp.h. The error is complete, with its operation and addresses.
Error dial_addresses(scheduler& s, const network& net, std::span<const Address> to,
                     const DialOptions& options, std::shared_ptr<net_fd>* out);

// The pieces, for tests.

// Until when the next of `left` addresses may take, of the time that is left until `deadline`.
// Errc::timeout if none is.
Error partial_deadline(Deadline now, Deadline deadline, size_t left, Deadline* out);
// Both lists, not empty, at once: `fallbacks` after options.fallback_delay.
Error dial_parallel(scheduler& s, const network& net, std::span<const Address> primaries,
                    std::span<const Address> fallbacks, const DialOptions& options,
                    const dial_limits& limits, std::shared_ptr<net_fd>* out);

}  // namespace netpoll

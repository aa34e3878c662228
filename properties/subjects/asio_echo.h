// SPDX-License-Identifier: MIT
//
// An ordinary Asio program: an echo server and its clients in one io_context. It knows nothing of
// Pollux.
#pragma once

#include <cstddef>

// Each client sends `rounds` messages and compares what comes back. Returns how many clients did
// not get back every byte that they sent; says why on stderr.
int asio_echo(int client_count, int rounds, size_t message_bytes);

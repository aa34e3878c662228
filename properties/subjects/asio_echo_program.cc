// SPDX-License-Identifier: MIT
//
// Ten Asio echo clients and their server: `pollux exec -- asio_echo_program` puts them on the twin.
// Exit status 0: every client got back every byte; 1: some did not, and why is on stderr.
#include "subjects/asio_echo.h"

int main() { return asio_echo(10, 20, 32) == 0 ? 0 : 1; }

// SPDX-License-Identifier: MIT
//
// A `pollux` of the tests: the command with the toy suites.
#include "cli/pollux_main.h"

int main(int argc, char** argv) { return pollux::pollux_main(argc, argv); }

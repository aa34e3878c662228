// SPDX-License-Identifier: MIT

#include "cli/pollux_main.h"

int main(int argc, char** argv) { return pollux::pollux_main(argc, argv); }

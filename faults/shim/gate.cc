// SPDX-License-Identifier: MIT
#include "pollux/shim/gate.h"

extern "C" {
uintptr_t pollux_gate = 0;
}

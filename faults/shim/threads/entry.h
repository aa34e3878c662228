// SPDX-License-Identifier: MIT
//
// What the entry points of thread functions are made of: in a run the backend with the gate
// closed, otherwise the next definition in link order.
#pragma once

#include <pthread.h>

#include "shim/entry.h"

// A function of pthread.h whose first line of defence is the gate. `in_run_expression` may use
// `threads`, a Threads&.
#define POLLUX_THREAD_ENTRY(function, parameters, arguments, exceptions, in_run_expression) \
  POLLUX_ENTRY int function parameters exceptions {                                         \
    if (!::pollux::shim::in_run()) return POLLUX_NEXT(function) arguments;                  \
    ::pollux::shim::HarnessScope scope;                                                     \
    ::pollux::shim::Threads& threads = *::pollux::shim::backend().threads;                  \
    return in_run_expression;                                                               \
  }

// SPDX-License-Identifier: MIT
//
// pthread.h on virtual threads: the backend that the shim's thread entry points call.
#pragma once

#include "pollux/shim/backend.h"

namespace pollux::explore {

shim::Threads& thread_objects();

// What an operation on a thread object is called ("mutex_lock"), by the place of its point.
const char* object_call_name(uint64_t place);

}  // namespace pollux::explore

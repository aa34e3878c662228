// SPDX-License-Identifier: MIT
//
// pthread.h on virtual threads: the backend that the shim's thread entry points call.
#pragma once

#include "pollux/shim/backend.h"

namespace pollux::explore {

shim::Threads& thread_objects();

}  // namespace pollux::explore

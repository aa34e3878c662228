// SPDX-License-Identifier: MIT
//
// What the judges say of a call that failed because the program called it wrongly.
#pragma once

#include "kernel/calls.h"

namespace pollux::kernel {

// The twin answered with `error`, a positive errno.
void judge_failed_call(const Call&, const Arguments&, long error);
// The call goes to the real kernel, since its descriptor is below zero.
void judge_negative_descriptor(const Call&, const Arguments&);

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
//
// What the twin says about order: a thread that learns of another's call, by bytes, an event or a
// connection, comes behind it. Without effect unless the run looks for races.
//
// Called on the carrier with the gate closed.
#pragma once

namespace pollux::explore {

// The run looks for races. Nobody else needs to find out which objects they are.
extern bool keeps_order;

// What the current thread did before happens before what others do after a kernel_acquire() of the
// same object that comes later. Objects are told apart by address and need not exist.
void kernel_release(const void* object);
void kernel_acquire(const void* object);

}  // namespace pollux::explore

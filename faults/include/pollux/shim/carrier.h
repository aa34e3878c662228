// SPDX-License-Identifier: MIT
//
// Calls that must see the OS thread's own identity.
//
// glibc's setuid family tells every thread of its list to change, and waits for all but the
// caller. It takes the caller from the thread control block, which is a donor's: without help it
// would wait for the carrier, that is, for itself.
#pragma once

namespace pollux::shim {

// Calls body(argument) with the carrier's own thread control block. Set by whoever makes virtual
// threads; null: there are none, call directly.
using RunAsCarrier = void (*)(void (*body)(void*), void* argument);
extern RunAsCarrier run_as_carrier;

}  // namespace pollux::shim

// SPDX-License-Identifier: MIT
//
// Keys of thread-specific data (pthread_key_create). Their values live in libc's own thread
// control block and need nothing of ours; only libc knows when a real thread ends, though, and a
// virtual thread ends without its help. The shim therefore keeps the list of keys, and whoever ends
// virtual threads runs the destructors.
//
// Threads: the list is changed by the entry points, on any thread; the functions below act on the
// calling thread's values.
#pragma once

namespace pollux::shim {

// On a thread that ran no program code yet: a key that has a value here belongs to a runtime (a
// sanitizer's per-thread state, say) and is left alone from now on.
void note_inherited_keys();

// What libc does when a thread ends: values set to null, destructors called, up to
// PTHREAD_DESTRUCTOR_ITERATIONS times. Call it as program code.
void run_key_destructors();

// Sets all values to null and calls nobody: the thread that set them is gone.
void forget_key_values();

}  // namespace pollux::shim

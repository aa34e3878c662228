// SPDX-License-Identifier: MIT
//
// A library of a program under `pollux exec`: it looks at the machine while it is loaded, and looks
// functions up with dlsym(3).
#pragma once

namespace library {

// As many as it saw when it was loaded, before the run had begun.
int first_processors();
// Of a thread made by the pthread_create that is behind this library.
int id_of_next_thread();
// By the getpid of libc's own handle.
int process_id_of_libc();
// How often this library's fopen was called: a wrapper around the one that is behind it.
int wrapped_fopens();
// By the a64l(3) that is behind this library's own; Pollux has none.
long next_a64l(const char* text);

}  // namespace library

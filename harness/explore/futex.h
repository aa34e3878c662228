// SPDX-License-Identifier: MIT
//
// futex(2) on virtual threads: what std::atomic::wait of libstdc++ and hand-written locks use.
#pragma once

#include <time.h>

#include <cstdint>

namespace pollux::explore {

// The arguments of the system call; >= 0 or -errno. Adds no scheduling point of its own: the one
// in front of the system call is enough, and none may come between looking at the word and waiting.
long futex(uint32_t* word, int operation, uint32_t value, const timespec* timeout,
           uint32_t* second_word, uint32_t third_value);

}  // namespace pollux::explore

// SPDX-License-Identifier: MIT
#include "src/current.h"

#include <cxxabi.h>

namespace netpoll {

namespace {
thread_local worker* this_worker = nullptr;
}

__attribute__((noinline)) worker* current_worker() {
  worker** p = &this_worker;
  asm volatile("" : "+r"(p) : : "memory");
  return *p;
}

__attribute__((noinline)) void set_current_worker(worker* w) {
  worker** p = &this_worker;
  asm volatile("" : "+r"(p) : : "memory");
  *p = w;
}

exception_state* thread_exceptions() {
  // The Itanium C++ ABI (2.2.2) fixes the first two members: the stack of caught exceptions and the
  // number of uncaught ones.
  return reinterpret_cast<exception_state*>(abi::__cxa_get_globals());
}

}  // namespace netpoll

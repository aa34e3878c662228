// SPDX-License-Identifier: MIT
#include "src/current.h"

#include <cxxabi.h>

namespace netpoll {

namespace {
thread_local worker* this_worker = nullptr;
thread_local const scheduler* this_scheduler = nullptr;
}  // namespace

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

__attribute__((noinline)) const scheduler* current_scheduler() {
  const scheduler** p = &this_scheduler;
  asm volatile("" : "+r"(p) : : "memory");
  return *p;
}

__attribute__((noinline)) void set_current_scheduler(const scheduler* s) {
  const scheduler** p = &this_scheduler;
  asm volatile("" : "+r"(p) : : "memory");
  *p = s;
}

exception_state* thread_exceptions() {
  // The Itanium C++ ABI (2.2.2) fixes the first two members: the stack of caught exceptions and the
  // number of uncaught ones.
  return reinterpret_cast<exception_state*>(abi::__cxa_get_globals());
}

}  // namespace netpoll

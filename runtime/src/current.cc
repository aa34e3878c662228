// SPDX-License-Identifier: MIT
#include "src/current.h"

#include <cxxabi.h>

#include <cstring>

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

__attribute__((noinline)) void exception_swap(exception_state& other) {
  // The Itanium C++ ABI (2.2.2) fixes the first two members: the stack of caught exceptions and the
  // number of uncaught ones.
  void* globals = abi::__cxa_get_globals();
  asm volatile("" : "+r"(globals) : : "memory");
  exception_state mine;
  std::memcpy(&mine.caught, globals, sizeof mine.caught);
  std::memcpy(&mine.uncaught, static_cast<char*>(globals) + sizeof(void*), sizeof mine.uncaught);
  std::memcpy(globals, &other.caught, sizeof other.caught);
  std::memcpy(static_cast<char*>(globals) + sizeof(void*), &other.uncaught, sizeof other.uncaught);
  other = mine;
}

}  // namespace netpoll

// SPDX-License-Identifier: MIT
//
// A Linux system call without libc: works before libc is initialised, in static programs, and never
// re-enters the shim. Result: >= 0, or -errno.
//
// Always inline, as are the tests of gate.h: a sanitizer's runtime comes through here before it is
// ready for instrumented functions.
#pragma once

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "Pollux knows the system call convention of x86-64 and aarch64 only"
#endif

namespace pollux::shim {

[[gnu::always_inline]] inline long raw_system_call(long number, long a0 = 0, long a1 = 0,
                                                   long a2 = 0, long a3 = 0, long a4 = 0,
                                                   long a5 = 0) {
#if defined(__x86_64__)
  long result;
  register long r10 asm("r10") = a3;
  register long r8 asm("r8") = a4;
  register long r9 asm("r9") = a5;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a0), "S"(a1), "d"(a2), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
#else
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a0;
  register long x1 asm("x1") = a1;
  register long x2 asm("x2") = a2;
  register long x3 asm("x3") = a3;
  register long x4 asm("x4") = a4;
  register long x5 asm("x5") = a5;
  asm volatile("svc 0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return x0;
#endif
}

}  // namespace pollux::shim

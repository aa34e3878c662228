// SPDX-License-Identifier: MIT
// Tells AddressSanitizer and ThreadSanitizer about stack switches; compiles to nothing otherwise.
#pragma once

#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NETPOLL_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define NETPOLL_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define NETPOLL_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define NETPOLL_TSAN 1
#endif

extern "C" {
#ifdef NETPOLL_ASAN
void __sanitizer_start_switch_fiber(void** fake_stack, const void* bottom, size_t size);
void __sanitizer_finish_switch_fiber(void* fake_stack, const void** bottom_old, size_t* size_old);
void __asan_unpoison_memory_region(const volatile void* address, size_t size);
#endif
#ifdef NETPOLL_TSAN
// Weak: an implementation of the instrumentation interface other than libtsan need not have fibers.
__attribute__((weak)) void* __tsan_get_current_fiber();
__attribute__((weak)) void* __tsan_create_fiber(unsigned flags);
__attribute__((weak)) void __tsan_destroy_fiber(void* fiber);
__attribute__((weak)) void __tsan_switch_to_fiber(void* fiber, unsigned flags);
#endif
}

namespace netpoll {

// One stack as the sanitizers see it: a worker's own, or a goroutine's.
struct sanitizer_fiber {
#ifdef NETPOLL_ASAN
  void* fake_stack = nullptr;
  const void* bottom = nullptr;
  size_t size = 0;
#endif
#ifdef NETPOLL_TSAN
  void* tsan = nullptr;
#endif
};

// A goroutine is about to start on [bottom, bottom + size).
inline void sanitizer_fiber_create([[maybe_unused]] sanitizer_fiber& f,
                                   [[maybe_unused]] void* bottom, [[maybe_unused]] size_t size) {
#ifdef NETPOLL_ASAN
  f.fake_stack = nullptr;
  f.bottom = bottom;
  f.size = size;
  __asan_unpoison_memory_region(bottom, size);  // frames of the previous user were never popped
#endif
#ifdef NETPOLL_TSAN
  if (__tsan_create_fiber) f.tsan = __tsan_create_fiber(0);
#endif
}

inline void sanitizer_fiber_destroy([[maybe_unused]] sanitizer_fiber& f) {
#ifdef NETPOLL_TSAN
  if (f.tsan && __tsan_destroy_fiber) __tsan_destroy_fiber(f.tsan);
  f.tsan = nullptr;
#endif
}

// Just before the jump from one stack to another. `final`: the old one is never resumed.
inline void sanitizer_leave([[maybe_unused]] sanitizer_fiber& from,
                            [[maybe_unused]] sanitizer_fiber& to, [[maybe_unused]] bool final) {
#ifdef NETPOLL_ASAN
  __sanitizer_start_switch_fiber(final ? nullptr : &from.fake_stack, to.bottom, to.size);
#endif
#ifdef NETPOLL_TSAN
  if (__tsan_switch_to_fiber && to.tsan) __tsan_switch_to_fiber(to.tsan, 0);
#endif
}

// Just after the jump, on the stack of `self`. `previous`, if given, learns where the old stack is:
// nobody else knows the bounds of a worker thread's own stack.
inline void sanitizer_enter([[maybe_unused]] sanitizer_fiber& self,
                            [[maybe_unused]] sanitizer_fiber* previous) {
#ifdef NETPOLL_ASAN
  __sanitizer_finish_switch_fiber(self.fake_stack, previous ? &previous->bottom : nullptr,
                                  previous ? &previous->size : nullptr);
#endif
}

// The calling thread's own stack.
inline void sanitizer_adopt_thread([[maybe_unused]] sanitizer_fiber& f) {
#ifdef NETPOLL_TSAN
  if (__tsan_get_current_fiber) f.tsan = __tsan_get_current_fiber();
#endif
}

}  // namespace netpoll

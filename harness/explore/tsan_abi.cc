// SPDX-License-Identifier: MIT
//
// The __tsan_* functions, as gcc 12 and clang 14 call them (compiler-rt's tsan_interface.h and
// tsan_interface_atomic.h are the reference): each atomic operation, fence and volatile access of
// the instrumented code is a scheduling point, plain accesses are when the run asks for it.
//
// The point comes before the operation, the operation itself is the real one. Outside of a run only
// the operation happens. Values that come out of atomics of up to four bytes are mixed into the
// hash, and whether a compare-exchange took; wider ones may be addresses.
//
// An operation that the hook does not change is sequentially consistent because one OS thread does
// them all: the C++ memory order arguments are ignored, weaker behaviours are not explored.
#include <cstring>

#include "explore/state.h"

#define POLLUX_HOOK extern "C" __attribute__((visibility("default")))
#define POLLUX_CALLER reinterpret_cast<uintptr_t>(__builtin_return_address(0))

namespace pollux::explore {
namespace {

using Int128 = unsigned __int128;

constexpr bool reads_only(Kind kind) {
  return kind == Kind::read || kind == Kind::volatile_read || kind == Kind::atomic_load;
}

__attribute__((noinline)) void tell_observer(Kind kind, uint64_t where, const volatile void* at,
                                             size_t size) {
  const Object first = object_of(at);
  observed_point(where, at == nullptr ? kNoObject : first, !reads_only(kind));
  if (at == nullptr || size <= 1) return;
  const Object last = object_of(static_cast<const volatile char*>(at) + size - 1);
  for (Object object = first + 1; object <= last; ++object) {
    state.observer->touched(state.current, object, !reads_only(kind));
  }
}

[[gnu::always_inline]] inline void point_before(Kind kind, uintptr_t caller,
                                                const volatile void* at, size_t size) {
  uint64_t where = tagged(kind, place(caller));
  if (__builtin_expect(state.observer != nullptr, 0)) {
    tell_observer(kind, where, at, size);
  } else {
    point_at(where);
  }
}

// True in a run.
[[gnu::always_inline]] inline bool point(Kind kind, uintptr_t caller, const volatile void* at,
                                         size_t size) {
  if (!shim::in_run()) return false;
  point_before(kind, caller, at, size);
  return true;
}

[[gnu::always_inline]] inline void plain_point(Kind kind, uintptr_t caller, const volatile void* at,
                                               size_t size) {
  if (state.plain_points && shim::in_run()) point_before(kind, caller, at, size);
}

// Cheaper than a mix of its own, which the next point's is for both.
template <typename T>
[[gnu::always_inline]] inline void mix_value(bool in_run, T value) {
  if (sizeof(T) <= 4 && in_run) {
    trace::recorder.hash ^= (static_cast<uint64_t>(value) + 1) * 0xD6E8FEB86659FD93ull;
  }
}

__attribute__((noinline)) void tell_watcher(uintptr_t address, uint64_t before, uint64_t after,
                                            bool is_store) {
  if (!shim::in_run()) return;
  shim::HarnessScope scope;
  state.watcher(state.watcher_context, {address, before, after, is_store, state.current});
}

template <typename T>
[[gnu::always_inline]] inline void watch(const volatile T* at, T before, T after, bool is_store) {
  if constexpr (sizeof(T) == 8) {
    auto address = reinterpret_cast<uintptr_t>(at);
    if (__builtin_expect(address - state.watch_base < state.watch_length, 0)) {
      tell_watcher(address, before, after, is_store);
    }
  }
}

template <typename T>
struct Atomic {
  static T load(const volatile T* at) { return __atomic_load_n(at, __ATOMIC_SEQ_CST); }
  static void store(bool in_run, volatile T* at, T value) {
    // In a run nobody else is there to order it for, and a plain store is a third of the price.
    if (in_run) {
      __atomic_store_n(at, value, __ATOMIC_RELEASE);
    } else {
      __atomic_store_n(at, value, __ATOMIC_SEQ_CST);
    }
  }
  static T exchange(volatile T* at, T value) {
    return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);
  }
  static bool compare_exchange(volatile T* at, T* expected, T value) {
    return __atomic_compare_exchange_n(at, expected, value, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
  }
};

bool compare_exchange_128(volatile Int128* at, Int128* expected, Int128 value) {
#if defined(__x86_64__)
  auto low = static_cast<uint64_t>(*expected), high = static_cast<uint64_t>(*expected >> 64);
  bool taken;
  asm volatile("lock cmpxchg16b %1"
               : "=@ccz"(taken), "+m"(*at), "+a"(low), "+d"(high)
               : "b"(static_cast<uint64_t>(value)), "c"(static_cast<uint64_t>(value >> 64))
               : "memory");
  if (!taken) *expected = (static_cast<Int128>(high) << 64) | low;
  return taken;
#else
  auto wanted_low = static_cast<uint64_t>(*expected);
  auto wanted_high = static_cast<uint64_t>(*expected >> 64);
  uint64_t low, high;
  uint32_t failed;
  do {
    asm volatile("ldaxp %0, %1, [%2]" : "=&r"(low), "=&r"(high) : "r"(at) : "memory");
    bool equal = low == wanted_low && high == wanted_high;
    uint64_t new_low = equal ? static_cast<uint64_t>(value) : low;
    uint64_t new_high = equal ? static_cast<uint64_t>(value >> 64) : high;
    asm volatile("stlxp %w0, %1, %2, [%3]"
                 : "=&r"(failed)
                 : "r"(new_low), "r"(new_high), "r"(at)
                 : "memory");
    if (failed == 0 && equal) return true;
  } while (failed != 0);
  *expected = (static_cast<Int128>(high) << 64) | low;
  return false;
#endif
}

template <>
struct Atomic<Int128> {
  static Int128 load(const volatile Int128* at) {
    Int128 expected = 0;
    compare_exchange_128(const_cast<volatile Int128*>(at), &expected, 0);
    return expected;
  }
  static void store(bool, volatile Int128* at, Int128 value) { exchange(at, value); }
  static Int128 exchange(volatile Int128* at, Int128 value) {
    Int128 expected = load(at);
    while (!compare_exchange_128(at, &expected, value)) {
    }
    return expected;
  }
  static bool compare_exchange(volatile Int128* at, Int128* expected, Int128 value) {
    return compare_exchange_128(at, expected, value);
  }
};

template <typename T>
T load(bool in_run, const volatile T* at) {
  T value = Atomic<T>::load(at);
  mix_value(in_run, value);
  return value;
}

template <typename T>
void store(bool in_run, volatile T* at, T value) {
  if (sizeof(T) == 8 && __builtin_expect(state.watch_length != 0, 0)) {
    T before = Atomic<T>::load(at);
    Atomic<T>::store(in_run, at, value);
    watch(at, before, value, true);
    return;
  }
  Atomic<T>::store(in_run, at, value);
}

template <typename T>
T exchange(bool in_run, volatile T* at, T value) {
  T before = Atomic<T>::exchange(at, value);
  mix_value(in_run, before);
  watch(at, before, value, false);
  return before;
}

template <typename T>
bool compare_exchange(bool in_run, volatile T* at, T* expected, T value) {
  bool taken = Atomic<T>::compare_exchange(at, expected, value);
  mix_value(in_run, static_cast<uint8_t>(taken));
  if (taken) watch(at, *expected, value, false);
  return taken;
}

template <typename T>
T finish_fetch(bool in_run, volatile T* at, T before, T after) {
  mix_value(in_run, before);
  watch(at, before, after, false);
  return before;
}

template <typename T, typename F>
T fetch_and_change(bool in_run, volatile T* at, F change) {
  T before = Atomic<T>::load(at);
  while (!Atomic<T>::compare_exchange(at, &before, change(before))) {
  }
  return finish_fetch(in_run, at, before, change(before));
}

template <typename T>
T fetch_add(bool in_run, volatile T* at, T value) {
  if constexpr (sizeof(T) <= 8) {
    T before = __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);
    return finish_fetch(in_run, at, before, static_cast<T>(before + value));
  } else {
    return fetch_and_change(in_run, at, [=](T old) { return static_cast<T>(old + value); });
  }
}

}  // namespace
}  // namespace pollux::explore

using pollux::explore::Kind;
using namespace pollux::explore;  // NOLINT: this file is nothing but hooks from here on

// --- Plain and volatile accesses.

#define POLLUX_PLAIN(name, kind, size) \
  POLLUX_HOOK void __tsan_##name(void* at) { plain_point(kind, POLLUX_CALLER, at, size); }
#define POLLUX_PLAIN_PC(name, kind, size)                             \
  POLLUX_HOOK void __tsan_##name##_pc(void* at, void* caller) {       \
    plain_point(kind, reinterpret_cast<uintptr_t>(caller), at, size); \
  }
#define POLLUX_VOLATILE(name, kind, size) \
  POLLUX_HOOK void __tsan_##name(void* at) { point(kind, POLLUX_CALLER, at, size); }
#define POLLUX_READ_WRITE(name, size)                  \
  POLLUX_HOOK void __tsan_##name(void* at) {           \
    plain_point(Kind::read, POLLUX_CALLER, at, size);  \
    plain_point(Kind::write, POLLUX_CALLER, at, size); \
  }
#define POLLUX_ALIGNED(size)                                      \
  POLLUX_PLAIN(read##size, Kind::read, size)                      \
  POLLUX_PLAIN(write##size, Kind::write, size)                    \
  POLLUX_PLAIN_PC(read##size, Kind::read, size)                   \
  POLLUX_PLAIN_PC(write##size, Kind::write, size)                 \
  POLLUX_READ_WRITE(read_write##size, size)                       \
  POLLUX_VOLATILE(volatile_read##size, Kind::volatile_read, size) \
  POLLUX_VOLATILE(volatile_write##size, Kind::volatile_write, size)
#define POLLUX_UNALIGNED(size)                                              \
  POLLUX_PLAIN(unaligned_read##size, Kind::read, size)                      \
  POLLUX_PLAIN(unaligned_write##size, Kind::write, size)                    \
  POLLUX_READ_WRITE(unaligned_read_write##size, size)                       \
  POLLUX_VOLATILE(unaligned_volatile_read##size, Kind::volatile_read, size) \
  POLLUX_VOLATILE(unaligned_volatile_write##size, Kind::volatile_write, size)

POLLUX_ALIGNED(1)
POLLUX_ALIGNED(2)
POLLUX_ALIGNED(4)
POLLUX_ALIGNED(8)
POLLUX_ALIGNED(16)
POLLUX_UNALIGNED(2)
POLLUX_UNALIGNED(4)
POLLUX_UNALIGNED(8)
POLLUX_UNALIGNED(16)
POLLUX_PLAIN(vptr_read, Kind::read, sizeof(void*))

// Whether the pointer changes must not matter: its old value may be uninitialised memory.
POLLUX_HOOK void __tsan_vptr_update(void** at, void*) {
  plain_point(Kind::write, POLLUX_CALLER, at, sizeof(void*));
}

#define POLLUX_RANGE(name, kind)                                             \
  POLLUX_HOOK void __tsan_##name(void* at, size_t size) {                    \
    plain_point(kind, POLLUX_CALLER, at, size);                              \
  }                                                                          \
  POLLUX_HOOK void __tsan_##name##_pc(void* at, size_t size, void* caller) { \
    plain_point(kind, reinterpret_cast<uintptr_t>(caller), at, size);        \
  }

POLLUX_RANGE(read_range, Kind::read)
POLLUX_RANGE(write_range, Kind::write)

#define POLLUX_COPY(name)                                                    \
  POLLUX_HOOK void* __tsan_##name(void* to, const void* from, size_t size) { \
    plain_point(Kind::read, POLLUX_CALLER, from, size);                      \
    plain_point(Kind::write, POLLUX_CALLER, to, size);                       \
    return std::name(to, from, size);                                        \
  }

POLLUX_COPY(memcpy)
POLLUX_COPY(memmove)

POLLUX_HOOK void* __tsan_memset(void* to, int value, size_t size) {
  plain_point(Kind::write, POLLUX_CALLER, to, size);
  return std::memset(to, value, size);
}

// --- Atomics.

#define POLLUX_FETCH(bits, T, name, expression)                                             \
  POLLUX_HOOK T __tsan_atomic##bits##_fetch_##name(volatile T* at, T value, int) {          \
    bool in_run = point(Kind::atomic_rmw, POLLUX_CALLER, at, sizeof(T));                    \
    return fetch_and_change(in_run, at, [=](T old) { return static_cast<T>(expression); }); \
  }
#define POLLUX_ATOMIC(bits, T)                                                                  \
  POLLUX_HOOK T __tsan_atomic##bits##_load(const volatile T* at, int) {                         \
    bool in_run = point(Kind::atomic_load, POLLUX_CALLER, at, sizeof(T));                       \
    return load(in_run, at);                                                                    \
  }                                                                                             \
  POLLUX_HOOK void __tsan_atomic##bits##_store(volatile T* at, T value, int) {                  \
    bool in_run = point(Kind::atomic_store, POLLUX_CALLER, at, sizeof(T));                      \
    store(in_run, at, value);                                                                   \
  }                                                                                             \
  POLLUX_HOOK T __tsan_atomic##bits##_exchange(volatile T* at, T value, int) {                  \
    bool in_run = point(Kind::atomic_rmw, POLLUX_CALLER, at, sizeof(T));                        \
    return exchange(in_run, at, value);                                                         \
  }                                                                                             \
  POLLUX_HOOK T __tsan_atomic##bits##_fetch_add(volatile T* at, T value, int) {                 \
    bool in_run = point(Kind::atomic_rmw, POLLUX_CALLER, at, sizeof(T));                        \
    return fetch_add(in_run, at, value);                                                        \
  }                                                                                             \
  POLLUX_HOOK T __tsan_atomic##bits##_fetch_sub(volatile T* at, T value, int) {                 \
    bool in_run = point(Kind::atomic_rmw, POLLUX_CALLER, at, sizeof(T));                        \
    return fetch_add(in_run, at, static_cast<T>(T{0} - value));                                 \
  }                                                                                             \
  POLLUX_FETCH(bits, T, and, old& value)                                                        \
  POLLUX_FETCH(bits, T, or, old | value)                                                        \
  POLLUX_FETCH(bits, T, xor, old ^ value)                                                       \
  POLLUX_FETCH(bits, T, nand, ~(old & value))                                                   \
  POLLUX_HOOK int __tsan_atomic##bits##_compare_exchange_strong(volatile T* at, T* expected,    \
                                                                T value, int, int) {            \
    bool in_run = point(Kind::atomic_cas, POLLUX_CALLER, at, sizeof(T));                        \
    return compare_exchange(in_run, at, expected, value);                                       \
  }                                                                                             \
  POLLUX_HOOK int __tsan_atomic##bits##_compare_exchange_weak(volatile T* at, T* expected,      \
                                                              T value, int, int) {              \
    bool in_run = point(Kind::atomic_cas, POLLUX_CALLER, at, sizeof(T));                        \
    return compare_exchange(in_run, at, expected, value);                                       \
  }                                                                                             \
  POLLUX_HOOK T __tsan_atomic##bits##_compare_exchange_val(volatile T* at, T expected, T value, \
                                                           int, int) {                          \
    bool in_run = point(Kind::atomic_cas, POLLUX_CALLER, at, sizeof(T));                        \
    compare_exchange(in_run, at, &expected, value);                                             \
    return expected;                                                                            \
  }

POLLUX_ATOMIC(8, uint8_t)
POLLUX_ATOMIC(16, uint16_t)
POLLUX_ATOMIC(32, uint32_t)
POLLUX_ATOMIC(64, uint64_t)
POLLUX_ATOMIC(128, Int128)

POLLUX_HOOK void __tsan_atomic_thread_fence(int) { point(Kind::fence, POLLUX_CALLER, nullptr, 0); }
POLLUX_HOOK void __tsan_atomic_signal_fence(int) {}

// --- What has no meaning here but must link: start-up, shadow stacks, and the annotations that
// libstdc++, Boost.Context and Folly call when they see __SANITIZE_THREAD__.

POLLUX_HOOK void __tsan_init() {}
POLLUX_HOOK void __tsan_func_entry(void*) {}
POLLUX_HOOK void __tsan_func_exit() {}
POLLUX_HOOK void __tsan_ignore_thread_begin() {}
POLLUX_HOOK void __tsan_ignore_thread_end() {}
POLLUX_HOOK void __tsan_acquire(void*) {}
POLLUX_HOOK void __tsan_release(void*) {}
POLLUX_HOOK void __tsan_mutex_create(void*, unsigned) {}
POLLUX_HOOK void __tsan_mutex_destroy(void*, unsigned) {}
POLLUX_HOOK void __tsan_mutex_pre_lock(void*, unsigned) {}
POLLUX_HOOK void __tsan_mutex_post_lock(void*, unsigned, int) {}
POLLUX_HOOK int __tsan_mutex_pre_unlock(void*, unsigned) { return 0; }
POLLUX_HOOK void __tsan_mutex_post_unlock(void*, unsigned) {}
POLLUX_HOOK void __tsan_mutex_pre_signal(void*, unsigned) {}
POLLUX_HOOK void __tsan_mutex_post_signal(void*, unsigned) {}
POLLUX_HOOK void __tsan_mutex_pre_divert(void*, unsigned) {}
POLLUX_HOOK void __tsan_mutex_post_divert(void*, unsigned) {}
POLLUX_HOOK void* __tsan_get_current_fiber() { return nullptr; }
POLLUX_HOOK void* __tsan_create_fiber(unsigned) {
  static char fiber;
  return &fiber;
}
POLLUX_HOOK void __tsan_destroy_fiber(void*) {}
POLLUX_HOOK void __tsan_switch_to_fiber(void*, unsigned) {}
POLLUX_HOOK void __tsan_set_fiber_name(void*, const char*) {}
POLLUX_HOOK void AnnotateHappensBefore(const char*, int, const volatile void*) {}
POLLUX_HOOK void AnnotateHappensAfter(const char*, int, const volatile void*) {}
POLLUX_HOOK void AnnotateIgnoreReadsBegin(const char*, int) {}
POLLUX_HOOK void AnnotateIgnoreReadsEnd(const char*, int) {}
POLLUX_HOOK void AnnotateIgnoreWritesBegin(const char*, int) {}
POLLUX_HOOK void AnnotateIgnoreWritesEnd(const char*, int) {}
POLLUX_HOOK void AnnotateRWLockCreate(const char*, int, const volatile void*) {}
POLLUX_HOOK void AnnotateRWLockDestroy(const char*, int, const volatile void*) {}
POLLUX_HOOK void AnnotateRWLockAcquired(const char*, int, const volatile void*, long) {}
POLLUX_HOOK void AnnotateRWLockReleased(const char*, int, const volatile void*, long) {}

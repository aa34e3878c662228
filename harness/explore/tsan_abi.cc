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
// them all, whatever its C++ memory order. Where the run looks for races, the operation also goes
// to happens_before.h and its parts, with its order; where it has weak memory, those say what a
// load reads.
#include <cstring>

#include "explore/atomic_history.h"
#include "explore/race_shadow.h"
#include "explore/state.h"

#define POLLUX_HOOK extern "C" __attribute__((visibility("default")))
#define POLLUX_CALLER reinterpret_cast<uintptr_t>(__builtin_return_address(0))

namespace pollux::explore {
namespace {

using Int128 = unsigned __int128;

// What an atomic operation is made with.
struct Call {
  bool in_run;
  bool races;  // in a run that looks for them
  uintptr_t caller;
};

constexpr bool reads_only(Kind kind) {
  return kind == Kind::read || kind == Kind::volatile_read || kind == Kind::atomic_load;
}

__attribute__((noinline)) void tell_observer(Kind kind, uintptr_t caller, uint64_t where,
                                             const volatile void* at, size_t size) {
  state.observer->at_access(at, size, caller);
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
    tell_observer(kind, caller, where, at, size);
  } else {
    point_at(where);
  }
}

[[gnu::always_inline]] inline Call point(Kind kind, uintptr_t caller, const volatile void* at,
                                         size_t size) {
  if (!shim::in_run()) return {false, false, caller};
  point_before(kind, caller, at, size);
  return {true, state.races, caller};
}

__attribute__((noinline)) void plain_access(Kind kind, uintptr_t caller, const volatile void* at,
                                            size_t size) {
  if (state.plain_points) point_before(kind, caller, at, size);
  if (state.races) check_access(at, size, {.writes = !reads_only(kind), .atomic = false}, caller);
}

[[gnu::always_inline]] inline void plain_point(Kind kind, uintptr_t caller, const volatile void* at,
                                               size_t size) {
  if (__builtin_expect(state.plain_hooks, 0) && shim::in_run()) {
    plain_access(kind, caller, at, size);
  }
}

[[gnu::always_inline]] inline void volatile_point(Kind kind, uintptr_t caller,
                                                  const volatile void* at, size_t size) {
  Call call = point(kind, caller, at, size);
  if (__builtin_expect(call.races, 0)) {
    check_access(at, size, {.writes = !reads_only(kind), .atomic = false}, caller);
  }
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

// --- The operations. Their second halves, for runs that look for races, are out of line.

template <typename T>
__attribute__((noinline)) T ordered_load(const Call& call, const volatile T* at, T memory,
                                         int order) {
  check_access(at, sizeof(T), {.writes = false, .atomic = true}, call.caller);
  T value = static_cast<T>(history_load(at, sizeof(T), memory, order_of(order)));
  if (value != memory && state.observer != nullptr) {
    state.observer->read_stale(static_cast<uint64_t>(value));
  }
  return value;
}

template <typename T>
T load(const Call& call, const volatile T* at, int order) {
  T value = Atomic<T>::load(at);
  if (__builtin_expect(call.races, 0)) value = ordered_load(call, at, value, order);
  mix_value(call.in_run, value);
  return value;
}

template <typename T>
__attribute__((noinline)) void ordered_store(const Call& call, volatile T* at, T value, int order) {
  check_access(at, sizeof(T), {.writes = true, .atomic = true}, call.caller);
  history_store(at, sizeof(T), Atomic<T>::load(at), value, order_of(order));
}

template <typename T>
void store(const Call& call, volatile T* at, T value, int order) {
  if (__builtin_expect(call.races, 0)) ordered_store(call, at, value, order);
  if (sizeof(T) == 8 && __builtin_expect(state.watch_length != 0, 0)) {
    T before = Atomic<T>::load(at);
    Atomic<T>::store(call.in_run, at, value);
    watch(at, before, value, true);
    return;
  }
  Atomic<T>::store(call.in_run, at, value);
}

// After the operation: nobody came in between.
template <typename T>
__attribute__((noinline)) void ordered_rmw(const Call& call, volatile T* at, T before, T after,
                                           int order) {
  check_access(at, sizeof(T), {.writes = true, .atomic = true}, call.caller);
  history_rmw(at, sizeof(T), before, after, order_of(order));
}

template <typename T>
T finish_rmw(const Call& call, volatile T* at, T before, T after, int order) {
  if (__builtin_expect(call.races, 0)) ordered_rmw(call, at, before, after, order);
  mix_value(call.in_run, before);
  watch(at, before, after, false);
  return before;
}

template <typename T>
T exchange(const Call& call, volatile T* at, T value, int order) {
  return finish_rmw(call, at, Atomic<T>::exchange(at, value), value, order);
}

template <typename T>
__attribute__((noinline)) void ordered_failure(const Call& call, volatile T* at, T memory,
                                               int order) {
  check_access(at, sizeof(T), {.writes = false, .atomic = true}, call.caller);
  history_failed(at, sizeof(T), memory, order_of(order));
}

template <typename T>
bool compare_exchange(const Call& call, volatile T* at, T* expected, T value, int order,
                      int failure_order, bool weak) {
  bool spurious = weak && __builtin_expect(call.races, 0) && state.weak_memory &&
                  Atomic<T>::load(at) == *expected && fails_spuriously();
  bool taken = !spurious && Atomic<T>::compare_exchange(at, expected, value);
  if (__builtin_expect(call.races, 0)) {
    if (taken) {
      ordered_rmw(call, at, *expected, value, order);
    } else {
      ordered_failure(call, at, *expected, failure_order);
    }
  }
  mix_value(call.in_run, static_cast<uint8_t>(taken));
  if (taken) watch(at, *expected, value, false);
  return taken;
}

template <typename T, typename F>
T fetch_and_change(const Call& call, volatile T* at, int order, F change) {
  T before = Atomic<T>::load(at);
  while (!Atomic<T>::compare_exchange(at, &before, change(before))) {
  }
  return finish_rmw(call, at, before, change(before), order);
}

template <typename T>
T fetch_add(const Call& call, volatile T* at, T value, int order) {
  if constexpr (sizeof(T) <= 8) {
    T before = __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);
    return finish_rmw(call, at, before, static_cast<T>(before + value), order);
  } else {
    return fetch_and_change(call, at, order, [=](T old) { return static_cast<T>(old + value); });
  }
}

void fence(uintptr_t caller, int order) {
  Call call = point(Kind::fence, caller, nullptr, 0);
  if (__builtin_expect(call.races, 0)) order_fence(order_of(order));
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
  POLLUX_HOOK void __tsan_##name(void* at) { volatile_point(kind, POLLUX_CALLER, at, size); }
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

#define POLLUX_CALL(kind) point(kind, POLLUX_CALLER, at, sizeof *at)
#define POLLUX_FETCH(bits, T, name, expression)                                          \
  POLLUX_HOOK T __tsan_atomic##bits##_fetch_##name(volatile T* at, T value, int order) { \
    return fetch_and_change(POLLUX_CALL(Kind::atomic_rmw), at, order,                    \
                            [=](T old) { return static_cast<T>(expression); });          \
  }
#define POLLUX_CAS(bits, T, name, weak)                                                \
  POLLUX_HOOK int __tsan_atomic##bits##_compare_exchange_##name(                       \
      volatile T* at, T* expected, T value, int order, int failure_order) {            \
    return compare_exchange(POLLUX_CALL(Kind::atomic_cas), at, expected, value, order, \
                            failure_order, weak);                                      \
  }
#define POLLUX_ATOMIC(bits, T)                                                                  \
  POLLUX_HOOK T __tsan_atomic##bits##_load(const volatile T* at, int order) {                   \
    return load(POLLUX_CALL(Kind::atomic_load), at, order);                                     \
  }                                                                                             \
  POLLUX_HOOK void __tsan_atomic##bits##_store(volatile T* at, T value, int order) {            \
    store(POLLUX_CALL(Kind::atomic_store), at, value, order);                                   \
  }                                                                                             \
  POLLUX_HOOK T __tsan_atomic##bits##_exchange(volatile T* at, T value, int order) {            \
    return exchange(POLLUX_CALL(Kind::atomic_rmw), at, value, order);                           \
  }                                                                                             \
  POLLUX_HOOK T __tsan_atomic##bits##_fetch_add(volatile T* at, T value, int order) {           \
    return fetch_add(POLLUX_CALL(Kind::atomic_rmw), at, value, order);                          \
  }                                                                                             \
  POLLUX_HOOK T __tsan_atomic##bits##_fetch_sub(volatile T* at, T value, int order) {           \
    return fetch_add(POLLUX_CALL(Kind::atomic_rmw), at, static_cast<T>(T{0} - value), order);   \
  }                                                                                             \
  POLLUX_FETCH(bits, T, and, old& value)                                                        \
  POLLUX_FETCH(bits, T, or, old | value)                                                        \
  POLLUX_FETCH(bits, T, xor, old ^ value)                                                       \
  POLLUX_FETCH(bits, T, nand, ~(old & value))                                                   \
  POLLUX_CAS(bits, T, strong, false)                                                            \
  POLLUX_CAS(bits, T, weak, true)                                                               \
  /* clang's, which does not say whether it is a weak one */                                    \
  POLLUX_HOOK T __tsan_atomic##bits##_compare_exchange_val(volatile T* at, T expected, T value, \
                                                           int order, int failure_order) {      \
    compare_exchange(POLLUX_CALL(Kind::atomic_cas), at, &expected, value, order, failure_order, \
                     false);                                                                    \
    return expected;                                                                            \
  }

POLLUX_ATOMIC(8, uint8_t)
POLLUX_ATOMIC(16, uint16_t)
POLLUX_ATOMIC(32, uint32_t)
POLLUX_ATOMIC(64, uint64_t)
POLLUX_ATOMIC(128, Int128)

POLLUX_HOOK void __tsan_atomic_thread_fence(int order) { fence(POLLUX_CALLER, order); }
POLLUX_HOOK void __tsan_atomic_signal_fence(int) {}

// --- What the program says about its own ways to synchronise.

POLLUX_HOOK void __tsan_acquire(void* object) {
  if (pollux::shim::in_run()) acquire_from(object);
}
POLLUX_HOOK void __tsan_release(void* object) {
  if (pollux::shim::in_run()) release_to(object);
}
POLLUX_HOOK void AnnotateHappensBefore(const char*, int, const volatile void* object) {
  if (pollux::shim::in_run()) release_to(object);
}
POLLUX_HOOK void AnnotateHappensAfter(const char*, int, const volatile void* object) {
  if (pollux::shim::in_run()) acquire_from(object);
}
// Its own allocator hands this out.
POLLUX_HOOK void AnnotateNewMemory(const char*, int, const volatile void* at, size_t size) {
  if (!state.races || !pollux::shim::in_run()) return;
  pollux::shim::HarnessScope scope;
  forget_memory(const_cast<const void*>(at), size);
}

// --- What has no meaning here but must link: start-up, shadow stacks, and the annotations that
// libstdc++, Boost.Context and Folly call when they see __SANITIZE_THREAD__.

POLLUX_HOOK void __tsan_init() {}
POLLUX_HOOK void __tsan_func_entry(void*) {}
POLLUX_HOOK void __tsan_func_exit() {}
POLLUX_HOOK void __tsan_ignore_thread_begin() {}
POLLUX_HOOK void __tsan_ignore_thread_end() {}
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
POLLUX_HOOK void AnnotateIgnoreReadsBegin(const char*, int) {}
POLLUX_HOOK void AnnotateIgnoreReadsEnd(const char*, int) {}
POLLUX_HOOK void AnnotateIgnoreWritesBegin(const char*, int) {}
POLLUX_HOOK void AnnotateIgnoreWritesEnd(const char*, int) {}
POLLUX_HOOK void AnnotateRWLockCreate(const char*, int, const volatile void*) {}
POLLUX_HOOK void AnnotateRWLockDestroy(const char*, int, const volatile void*) {}
POLLUX_HOOK void AnnotateRWLockAcquired(const char*, int, const volatile void*, long) {}
POLLUX_HOOK void AnnotateRWLockReleased(const char*, int, const volatile void*, long) {}

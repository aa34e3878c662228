// SPDX-License-Identifier: MIT
#include "pollux/shim/keys.h"

#include <limits.h>

#include "shim/threads/entry.h"

namespace pollux::shim {
namespace {

constexpr unsigned kKeysMax = PTHREAD_KEYS_MAX;

struct Key {
  bool known;  // created through us, and no runtime's own
  void (*destructor)(void*);
};
// Relaxed atomics are enough: libc orders the creation of a key before its use.
constinit Key keys[kKeysMax] = {};
constinit unsigned keys_end = 0;  // no known key at or above

void* take_value(unsigned key) {
  void* value = pthread_getspecific(key);
  if (value != nullptr) pthread_setspecific(key, nullptr);
  return value;
}

unsigned end_of_keys() { return __atomic_load_n(&keys_end, __ATOMIC_RELAXED); }

bool is_known(unsigned key) { return __atomic_load_n(&keys[key].known, __ATOMIC_RELAXED); }

}  // namespace

void note_inherited_keys() {
  for (unsigned key = 0; key < end_of_keys(); ++key) {
    if (is_known(key) && pthread_getspecific(key) != nullptr) {
      __atomic_store_n(&keys[key].known, false, __ATOMIC_RELAXED);
    }
  }
}

void run_key_destructors() {
  for (int round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS; ++round) {
    bool called = false;
    for (unsigned key = 0; key < end_of_keys(); ++key) {
      if (!is_known(key)) continue;
      void* value = take_value(key);
      auto destructor = __atomic_load_n(&keys[key].destructor, __ATOMIC_RELAXED);
      if (value == nullptr || destructor == nullptr) continue;
      destructor(value);
      called = true;
    }
    if (!called) return;
  }
}

void forget_key_values() {
  for (unsigned key = 0; key < end_of_keys(); ++key) {
    if (is_known(key)) take_value(key);
  }
}

}  // namespace pollux::shim

using namespace pollux::shim;

POLLUX_ENTRY int pthread_key_create(pthread_key_t* key, void (*destructor)(void*)) noexcept {
  int error = POLLUX_NEXT(pthread_key_create)(key, destructor);
  if (error != 0 || *key >= kKeysMax) return error;
  __atomic_store_n(&keys[*key].destructor, destructor, __ATOMIC_RELAXED);
  __atomic_store_n(&keys[*key].known, true, __ATOMIC_RELAXED);
  unsigned end = end_of_keys();
  while (end <= *key && !__atomic_compare_exchange_n(&keys_end, &end, *key + 1, false,
                                                     __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return 0;
}

POLLUX_ENTRY int pthread_key_delete(pthread_key_t key) noexcept {
  if (key < kKeysMax) {
    __atomic_store_n(&keys[key].known, false, __ATOMIC_RELAXED);
    __atomic_store_n(&keys[key].destructor, nullptr, __ATOMIC_RELAXED);
  }
  return POLLUX_NEXT(pthread_key_delete)(key);
}

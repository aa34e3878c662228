// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "exec_library.h"

namespace {

int fopens = 0;

int count_processors() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : -1;
}
const int processors = count_processors();

template <class Function>
Function* look_up(void* handle, const char* name, Function*) {
  return reinterpret_cast<Function*>(dlsym(handle, name));
}

}  // namespace

extern "C" FILE* fopen(const char* path, const char* mode) {
  ++fopens;
  return look_up(RTLD_NEXT, "fopen", &fopen)(path, mode);
}

extern "C" long a64l(const char*) noexcept { return -1; }

namespace library {

int first_processors() { return processors; }

int id_of_next_thread() {
  int id = 0;
  pthread_t thread;
  auto body = [](void* result) -> void* {
    *static_cast<int*>(result) = gettid();
    return nullptr;
  };
  if (look_up(RTLD_NEXT, "pthread_create", &pthread_create)(&thread, nullptr, body, &id) != 0)
    return -1;
  pthread_join(thread, nullptr);
  return id;
}

int process_id_of_libc() {
  void* libc = dlopen("libc.so.6", RTLD_LAZY);
  return libc != nullptr ? look_up(libc, "getpid", &getpid)() : -1;
}

int wrapped_fopens() { return fopens; }

long next_a64l(const char* text) { return look_up(RTLD_NEXT, "a64l", &a64l)(text); }

}  // namespace library

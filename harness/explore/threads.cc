// SPDX-License-Identifier: MIT
//
// Creating, joining and naming virtual threads.
//
// A pthread_t is the donor's own, so pthread_self() (which reads the TLS) agrees with what
// pthread_create() returned. Handles are addresses: they find a thread but never order or decide
// anything.
#include <errno.h>

#include <cstdio>
#include <cstring>
#include <iterator>

#include "explore/check.h"
#include "explore/clock.h"
#include "explore/happens_before.h"
#include "explore/modules.h"
#include "explore/signals.h"
#include "explore/state.h"
#include "explore/thread_objects_impl.h"

namespace pollux::explore {
namespace {

constexpr Actor kNone = kNetwork;

// The thread that has this handle and may still be joined or named.
Actor find(pthread_t handle) {
  for (unsigned id = 0; id < state.thread_count; ++id) {
    const Thread& thread = state.threads[id];
    if (thread.state != ThreadState::free && thread.donor != nullptr &&
        pthread_equal(thread.donor->handle, handle) != 0) {
      return static_cast<Actor>(id);
    }
  }
  // The adopted main thread has no donor.
  if (state.process_end != nullptr && reinterpret_cast<uintptr_t>(reinterpret_cast<void*>(
                                          handle)) == state.contexts[0].thread_pointer) {
    return 0;
  }
  return kNone;
}

int join_until(pthread_t handle, void** result, Time deadline, bool wait) {
  object_point(ObjectCall::join, nullptr);
  Actor id = find(handle);
  if (id == kNone) unmodelled("pthread_join of a thread that is not of this run");
  if (id == state.current) return EDEADLK;
  Thread& thread = state.threads[id];
  if (thread.detached) return EINVAL;
  while (thread.state != ThreadState::done) {
    if (!wait) return EBUSY;
    if (!block(Why::join, &thread, deadline)) return ETIMEDOUT;
  }
  if (state.observer != nullptr) state.observer->enabled(id, state.current);
  if (state.races) order_joined(id, state.current);
  if (result != nullptr) *result = thread.result;
  free_thread(id);
  return 0;
}

}  // namespace

shim::Threads& thread_objects() {
  static constinit ThreadObjects objects;
  return objects;
}

const char* object_call_name(uint64_t place) {
  constexpr const char* kNames[] = {
      "thread create", "join",          "detach",        "mutex_lock",     "mutex_trylock",
      "mutex_unlock",  "cond_wait",     "cond_signal",   "cond_broadcast", "cond wake-up",
      "rwlock_rdlock", "rwlock_wrlock", "rwlock_unlock", "once",           "static guard",
      "barrier_wait",  "spin_lock",     "spin_unlock",   "sem_wait",       "sem_post"};
  static_assert(std::size(kNames) == static_cast<size_t>(ObjectCall::sem_post) -
                                         static_cast<size_t>(ObjectCall::create) + 1);
  uint64_t index = place - static_cast<uint64_t>(ObjectCall::create);
  return index < std::size(kNames) ? kNames[index] : "?";
}

void shared_object_point(ObjectCall call, const volatile void* address) {
  if (signalled()) take_signals();
  access_point(static_cast<uint64_t>(call), address == nullptr ? kNoObject : object_of(address));
}

bool to_moment(clockid_t clock, const timespec* deadline, Time& moment) {
  moment = kNever;
  if (deadline == nullptr) return true;
  if (deadline->tv_nsec < 0 || deadline->tv_nsec >= kSecond) return false;
  moment = deadline->tv_sec < 0 ? 0 : moment_of(clock, *deadline);
  return true;
}

void unmodelled(const char* name) {
  if (shim::backend().unmodelled != nullptr) shim::backend().unmodelled->unmodelled(name);
  end_run(Verdict::unmodelled, std::string(name) + " is not modelled");
}

int ThreadObjects::create(pthread_t* handle, const pthread_attr_t* attributes,
                          void* (*start)(void*), void* argument) {
  object_point(ObjectCall::create, nullptr);
  int detach_state = PTHREAD_CREATE_JOINABLE;
  if (attributes != nullptr) {
    pthread_attr_getdetachstate(attributes, &detach_state);
    size_t size = 0;
    pthread_attr_getstacksize(attributes, &size);
    if (size > kDonorStackSize) unmodelled("pthread_create with a stack above 8 MiB");
  }
  Actor id = create_thread(nullptr, current().host, start, argument,
                           detach_state == PTHREAD_CREATE_DETACHED);
  if (id == kNone) return EAGAIN;  // pthread_create(3): the limit on threads
  *handle = state.threads[id].donor->handle;
  return 0;
}

int ThreadObjects::join(pthread_t handle, void** result, clockid_t clock,
                        const timespec* deadline) {
  Time moment;
  if (!to_moment(clock, deadline, moment)) return EINVAL;
  return join_until(handle, result, moment, true);
}

int ThreadObjects::try_join(pthread_t handle, void** result) {
  return join_until(handle, result, kNever, false);
}

int ThreadObjects::detach(pthread_t handle) {
  object_point(ObjectCall::detach, nullptr);
  Actor id = find(handle);
  if (id == kNone) unmodelled("pthread_detach of a thread that is not of this run");
  Thread& thread = state.threads[id];
  if (thread.detached) return EINVAL;
  thread.detached = true;
  if (thread.state == ThreadState::done) free_thread(id);
  return 0;
}

int ThreadObjects::kill(pthread_t handle, int signal) {
  object_point(ObjectCall::kill, nullptr);
  Actor id = find(handle);
  if (id == kNone || state.threads[id].state == ThreadState::done) return ESRCH;
  if (signal_source() == nullptr) unmodelled("pthread_kill");
  touch(kKernelObject);
  int error = signal_source()->send(id, signal);
  take_signals();
  return error;
}

int ThreadObjects::set_name(pthread_t handle, const char* name) {
  Actor id = find(handle);
  if (id == kNone) return ENOENT;
  if (std::strlen(name) > 15) return ERANGE;  // pthread_setname_np(3)
  std::snprintf(state.threads[id].name, sizeof state.threads[id].name, "%s", name);
  return 0;
}

int ThreadObjects::get_name(pthread_t handle, char* name, size_t size) {
  Actor id = find(handle);
  if (id == kNone) return ENOENT;
  if (size < 16) return ERANGE;
  std::snprintf(name, 16, "%s", state.threads[id].name);
  return 0;
}

bool ThreadObjects::thread_atexit(void (*destructor)(void*), void* object, void*) {
  Thread& thread = current();
  if (thread.donor == nullptr) return false;
  thread.destructors.push_back({destructor, object});
  return true;
}

void ThreadObjects::no_preempt_begin() { explore::no_preempt_begin(); }

// A section may have loaded or unloaded modules.
void ThreadObjects::no_preempt_end() {
  if (current().no_preempt == 1) refresh_modules();
  explore::no_preempt_end();
}

}  // namespace pollux::explore

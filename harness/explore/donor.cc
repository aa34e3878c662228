// SPDX-License-Identifier: MIT
#include "explore/donor.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <iterator>

#include "explore/check.h"
#include "explore/modules.h"
#include "explore/switch.h"
#include "pollux/shim/gate.h"
#include "pollux/shim/keys.h"
#include "pollux/shim/raw_system_call.h"

extern "C" __attribute__((weak)) void __asan_unpoison_memory_region(void const volatile*, size_t);

namespace pollux::explore {
namespace {

// Between the frame in which the donor went to sleep and the first one of a virtual thread.
constexpr size_t kGap = 512;

struct Slot {
  Donor donor = {};
  void* park_stack = nullptr;
  void* left_at = nullptr;
  uint32_t parked = 0;
  bool created = false;
};
constinit Slot slots[kThreadsMax];

void futex_wait(uint32_t* word, uint32_t value) {
  shim::raw_system_call(SYS_futex, reinterpret_cast<long>(word), FUTEX_WAIT_PRIVATE, value, 0);
}

// On the park stack and the donor's own OS thread. Touches no TLS: the carrier runs with it.
__attribute__((no_sanitize("address", "undefined"))) void park(void* argument) {
  Slot* slot = static_cast<Slot*>(argument);
  __atomic_store_n(&slot->parked, 1, __ATOMIC_RELEASE);
  shim::raw_system_call(SYS_futex, reinterpret_cast<long>(&slot->parked), FUTEX_WAKE_PRIVATE, 1);
  take_turns(&slot->donor.turns);
}

void* donor_main(void* argument) {
  Slot* slot = static_cast<Slot*>(argument);
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);

  slot->donor.thread_pointer = shim::thread_pointer();
  slot->donor.turns.tid = static_cast<pid_t>(shim::raw_system_call(SYS_gettid));
  pthread_attr_t attributes;
  POLLUX_EXPLORE_CHECK(pthread_getattr_np(pthread_self(), &attributes) == 0);
  size_t size = 0;
  POLLUX_EXPLORE_CHECK(pthread_attr_getstack(&attributes, &slot->donor.stack_low, &size) == 0);
  slot->donor.stack_high = static_cast<char*>(slot->donor.stack_low) + size;
  pthread_attr_destroy(&attributes);
  confirm_static_tls(slot->donor.thread_pointer);
  shim::note_inherited_keys();
  pollux_leave_stack(&slot->left_at, static_cast<char*>(slot->park_stack) + kRestStackSize, park,
                     slot);
}

// In a child process after fork: their OS threads are not there, and the OS thread that is there
// has the thread control block of whoever forked.
void forget_donors() {
  for (Slot& slot : slots) slot.created &= slot.donor.thread_pointer == shim::thread_pointer();
}

bool create(Slot& slot) {
  static const bool forks = pthread_atfork(nullptr, nullptr, forget_donors) == 0;
  POLLUX_EXPLORE_CHECK(forks);
  slot.donor = {};
  slot.parked = 0;
  if (slot.park_stack == nullptr) {
    void* stack = mmap(nullptr, kRestStackSize, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return false;
    slot.park_stack = stack;
  }
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kDonorStackSize);
  int error = pthread_create(&slot.donor.handle, &attributes, donor_main, &slot);
  pthread_attr_destroy(&attributes);
  if (error != 0) return false;
  while (__atomic_load_n(&slot.parked, __ATOMIC_ACQUIRE) == 0) futex_wait(&slot.parked, 0);
  slot.donor.top = static_cast<char*>(slot.left_at) - kGap;
  slot.created = true;
  return true;
}

}  // namespace

Donor* donor(Actor id) {
  Slot& slot = slots[id];
  if (!slot.created && !create(slot)) return nullptr;
  return &slot.donor;
}

const Donor* donor_if_created(Actor id) { return slots[id].created ? &slots[id].donor : nullptr; }

Donor* donor_with(uintptr_t thread_pointer) {
  for (Slot& slot : slots) {
    if (slot.created && slot.donor.thread_pointer == thread_pointer) return &slot.donor;
  }
  return nullptr;
}

bool is_donor(pid_t tid) {
  return std::any_of(std::begin(slots), std::end(slots), [tid](const Slot& slot) {
    return slot.created && slot.donor.turns.tid == tid;
  });
}

void reset_donor(Donor& donor) {
  if (!donor.used) {
    donor.used = true;
    return;
  }
  reset_static_tls(donor.thread_pointer);
  if (__asan_unpoison_memory_region != nullptr) {
    auto low = reinterpret_cast<uintptr_t>(donor.stack_low);
    __asan_unpoison_memory_region(donor.stack_low, reinterpret_cast<uintptr_t>(donor.top) - low);
  }
}

}  // namespace pollux::explore

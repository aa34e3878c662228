// SPDX-License-Identifier: MIT
//
// What the facts about signals are made with: handlers that write down what they see, masks that
// end with their scope, and somebody who interrupts a wait.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <atomic>
#include <initializer_list>
#include <thread>

#include "toolbox.h"

namespace conformance {

// What handlers have seen since the last Handler was made while there was none.
struct Caught {
  volatile sig_atomic_t count;
  volatile sig_atomic_t order[16];  // the signals, in the order in which handlers began
  volatile sig_atomic_t deepest;    // handlers that were on the stack at once
  volatile sig_atomic_t depth;
  siginfo_t info;   // of the last handler with SA_SIGINFO
  sigset_t during;  // the mask in the last handler
  pthread_t thread;
};
extern Caught caught;
// Raised by the next handler, once, and not blocked by it unless its mask says so.
extern volatile sig_atomic_t raise_in_handler;

sigset_t set_of(std::initializer_list<int> signals);

// Handles the signal while alive.
class Handler {
 public:
  explicit Handler(int signal, int flags = 0, std::initializer_list<int> blocks = {});
  ~Handler();
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

 private:
  int signal_;
  struct sigaction before_;
};

// Blocks the signals while alive.
class Blocked {
 public:
  Blocked(std::initializer_list<int> signals);
  ~Blocked();
  Blocked(const Blocked&) = delete;
  Blocked& operator=(const Blocked&) = delete;

 private:
  sigset_t before_;
};

bool is_blocked(int signal);
bool is_pending(int signal);
// Takes a pending signal without its handler; the signal, or -1.
int take_pending(int signal);

// The result of the call; when it has waited for a moment SIGUSR1, with a handler with these flags,
// comes to this thread, and a moment later `rescue` makes it possible for the call to succeed.
template <class Call, class Rescue>
long while_signalled(int flags, Call call, Rescue rescue) {
  Handler handler(SIGUSR1, flags);
  pthread_t self = pthread_self();
  std::thread other([&] {
    sleep_ms(20);
    pthread_kill(self, SIGUSR1);
    sleep_ms(20);
    rescue();
  });
  long result = static_cast<long>(call());
  int error = errno;
  other.join();
  errno = error;
  return result;
}
// The same for calls that nothing else ends. On a busy machine the signal may come before the call
// waits: then it comes again.
template <class Call>
long while_signalled(int flags, Call call) {
  std::atomic<bool> over = false;
  pthread_t self = pthread_self();
  auto once = [&] {
    long result = static_cast<long>(call());
    over = true;
    return result;
  };
  return while_signalled(flags, once, [&] {
    for (int i = 0; i < 50 && !over; ++i) {
      sleep_ms(100);
      if (!over) pthread_kill(self, SIGUSR1);
    }
  });
}

}  // namespace conformance

// SPDX-License-Identifier: MIT
//
// Programs made of a few operations on a few shared objects, for tests that compare ways to
// explore.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

enum PolluxOpKind : uint8_t {
  kPolluxLoad,       // remembers the word
  kPolluxStore,      // word = value
  kPolluxAdd,        // word += value, remembers what it was
  kPolluxSwap,       // word: value -> value + 1, remembers whether it did
  kPolluxLock,       // mutex
  kPolluxUnlock,     // if this thread holds it
  kPolluxPost,       // semaphore
  kPolluxWait,       // semaphore
  kPolluxTryWait,    // semaphore, remembers whether it did
  kPolluxSleep,      // value + 1 us
  kPolluxTimedWait,  // semaphore, until value us after the run began, remembers whether it did
  kPolluxYield,
  kPolluxOpKinds,
};

struct PolluxOp {
  PolluxOpKind kind;
  uint8_t object;  // of two words, mutexes or semaphores
  uint8_t value;
};

// All objects as they are before a run.
void pollux_random_reset();
// One thread's part. Remembers into `seen`, one number per operation.
void pollux_random_run(const PolluxOp* ops, size_t count, int* seen);
int pollux_random_word(int word);
}

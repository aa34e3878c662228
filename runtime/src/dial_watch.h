// SPDX-License-Identifier: MIT
// Ties one dial to a canceller.
#pragma once

#include "netpoll/dial.h"
#include "src/context_state.h"

namespace netpoll {

class net_fd;

class dial_watch {
 public:
  // From here until release, cancel() ends waits of fd (its write deadline goes to the far past).
  // `c` may be null.
  dial_watch(DialCanceller* c, net_fd* fd);
  ~dial_watch() { (void)release(); }
  dial_watch(const dial_watch&) = delete;
  dial_watch& operator=(const dial_watch&) = delete;

  // From here on cancel() has no effect on the descriptor. True if it came before.
  bool release();

 private:
  friend class DialCanceller;
  void poison();

  DialCanceller* canceller_;
  net_fd* fd_;
  dial_watch* next_ = nullptr;  // DialCanceller::lock_
  dial_watch* previous_ = nullptr;
};

// Turns the end of a context into a cancel, for one whole dial.
class dial_context {
 public:
  explicit dial_context(const Context& c) : context_(c), watch_(c, cancel, &canceller_) {}

  DialCanceller* canceller() { return &canceller_; }
  Error err() const { return context_.err(); }

 private:
  static void cancel(void* c) { static_cast<DialCanceller*>(c)->cancel(); }

  const Context& context_;
  DialCanceller canceller_;
  context_watch watch_;  // goes first
};

}  // namespace netpoll

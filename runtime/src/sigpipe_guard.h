// SPDX-License-Identifier: MIT
// Keeps SIGPIPE away for calls that have no flag against it: write(2) to a pipe, sendfile, splice.
#pragma once

#include <cerrno>
#include <csignal>

namespace netpoll {

// Blocks SIGPIPE for the calling thread, and takes back the one that the call inside has raised
// (SIGPIPE for a failed write is directed at the thread, signal(7)). The goroutine must not switch
// inside. Two system calls without a failure: for bulk transfers and files, not for sockets.
class sigpipe_guard {
 public:
  sigpipe_guard() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~sigpipe_guard() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  sigpipe_guard(const sigpipe_guard&) = delete;
  sigpipe_guard& operator=(const sigpipe_guard&) = delete;

  // Call after EPIPE. One that was pending before, blocked by the program, is taken too; the two
  // cannot be told apart.
  void take() {
    const timespec now{};
    (void)sigtimedwait(&pipe_, nullptr, &now);
  }

 private:
  sigset_t pipe_;
  sigset_t before_;
};

// Calls `call` (which returns the result or -errno) so that EPIPE comes without the signal.
template <class Call>
auto without_sigpipe(Call call) {
  sigpipe_guard guard;
  const auto r = call();
  if (r == -EPIPE) guard.take();
  return r;
}

}  // namespace netpoll

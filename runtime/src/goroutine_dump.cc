// SPDX-License-Identifier: MIT
// The dump is made in a process that is about to abort, from whatever thread found the reason,
// while other threads may go on running goroutines. What it says of goroutines that wait is true:
// they cannot move while their waker is stuck, and what they wait for was stored before. Of others
// it may say what was true a moment ago; that is a race, and none that matters any more.
#include "src/goroutine_dump.h"

#include <cstdio>
#include <mutex>

#include "src/clock.h"
#include "src/current.h"
#include "src/poll_desc.h"
#include "src/scheduler.h"

namespace netpoll {

namespace {

constexpr int max_lines = 1000;

const char* name(wait_reason why) {
  switch (why) {
    case wait_reason::io:
      return "IO wait";
    case wait_reason::chan_send:
      return "chan send";
    case wait_reason::chan_receive:
      return "chan receive";
    case wait_reason::chan_send_nil:
      return "chan send (nil chan)";
    case wait_reason::chan_receive_nil:
      return "chan receive (nil chan)";
    case wait_reason::select:
      return "select";
    case wait_reason::select_no_cases:
      return "select (no cases)";
    case wait_reason::sleep:
      return "sleep";
    case wait_reason::semaphore:
      return "semaphore";
    case wait_reason::wait_group:
      return "wait group";
    case wait_reason::mutex:
      return "mutex";
    case wait_reason::rw_mutex_read:
      return "read lock of an RWMutex";
    case wait_reason::rw_mutex_write:
      return "write lock of an RWMutex";
    case wait_reason::cond:
      return "condition variable";
    case wait_reason::fd_lock:
      return "lock of a descriptor";
    case wait_reason::fd_close:
      return "close of a descriptor";
    case wait_reason::blocking_call:
      return "blocking call";
  }
  return "unknown reason";
}

// What is known beyond the reason: ": read of fd 5", ", 7 ms to go".
void describe(const scheduler& s, const g& gp, int64_t now, char* text, size_t size) {
  text[0] = '\0';
  if (gp.why == wait_reason::io) {
    const auto* slot = static_cast<const std::atomic<uintptr_t>*>(gp.commit_arg);
    if (const poll_desc* pd = s.polls().owner(slot)) {
      const char* direction = slot == &pd->rg ? "read" : "write";
      if (pd->fd >= 0) {
        std::snprintf(text, size, ": %s of fd %d", direction, pd->fd);
      } else {
        std::snprintf(text, size, ": %s", direction);  // a waitable: no descriptor behind it
      }
    }
  } else if (gp.why == wait_reason::sleep) {
    const long long left = (gp.wait_detail - now) / 1'000'000;
    std::snprintf(text, size, ", %lld ms to go", left);
  }
}

}  // namespace

#if defined(NETPOLL_TSAN)
__attribute__((no_sanitize("thread")))  // see the top of the file
#endif
void scheduler::dump_goroutines() const noexcept {
  // Only appending to all_gs_ would disturb us, and whoever does that holds the lock for an instant
  // and cannot be the thread that calls us.
  std::lock_guard<std::mutex> hold(g_lock_);
  const int64_t now = nanotime();
  int lines = 0;
  for (const auto& owned : all_gs_) {
    const g& gp = *owned;
    const g_status status = gp.status.load();
    if (status == g_status::idle) continue;
    if (lines++ == max_lines) {
      std::fputs("(and more)\n", stderr);
      return;
    }
    char line[256];
    const auto id = static_cast<unsigned long long>(gp.id);
    if (status != g_status::waiting) {
      std::snprintf(line, sizeof line, "goroutine %llu [%s]\n", id,
                    status == g_status::running ? "running" : "runnable");
    } else {
      char detail[64];
      describe(*this, gp, now, detail, sizeof detail);
      const long long ms = (now - gp.parked_at) / 1'000'000;
      std::snprintf(line, sizeof line, "goroutine %llu [%s%s, for at most %lld ms]\n", id,
                    name(gp.why), detail, ms);
    }
    std::fputs(line, stderr);
  }
}

void dump_goroutines() noexcept {
  if (const scheduler* s = current_scheduler()) s->dump_goroutines();
}

}  // namespace netpoll

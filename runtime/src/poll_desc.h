// SPDX-License-Identifier: MIT
// What the runtime knows about one registered descriptor: who waits for it, until when, and whether
// that still makes sense. poll_desc.cc has the protocol, deadline.cc the deadlines.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "src/g.h"
#include "src/timer.h"

namespace netpoll {

class scheduler;

// The values of a park slot; anything else is the address of the parked g.
inline constexpr uintptr_t pd_nil = 0;
inline constexpr uintptr_t pd_ready = 1;
inline constexpr uintptr_t pd_wait = 2;

enum class poll_mode : uint8_t { read, write };
enum class poll_modes : uint8_t { read, write, both };
enum class poll_result : uint8_t { ok, closing, timeout, not_pollable };

// atomic_info: a summary of fields guarded by `lock`, for looks without it, and the only home of
// the two event bits.
inline constexpr uint32_t info_closing = 1u << 0;
inline constexpr uint32_t info_event_err = 1u << 1;  // the last event was EPOLLERR alone
inline constexpr uint32_t info_expired_read = 1u << 2;
inline constexpr uint32_t info_expired_write = 1u << 3;
inline constexpr uint32_t info_fdseq_shift = 4;  // 20 bits of fdseq
inline constexpr uint32_t info_fdseq_mask = 0xfffffu << info_fdseq_shift;
inline constexpr uint32_t info_short_read_inconclusive = 1u << 24;  // see note_event

struct alignas(64) poll_desc {
  poll_desc(scheduler& s, uint32_t i) : sched(&s), index(i) {}

  // The park slots of the reader and of the writer.
  std::atomic<uintptr_t> rg{pd_nil};
  std::atomic<uintptr_t> wg{pd_nil};
  std::atomic<uint32_t> atomic_info{0};
  // The generation: raised each time the poll_desc is freed, never 0 while it is in use.
  std::atomic<uint32_t> fdseq{0};
  int fd = -1;  // constant while in use

  scheduler* const sched;
  const uint32_t index;       // position in the poll_cache
  poll_desc* link = nullptr;  // poll_cache::lock_

  // Serialises set_deadline, unblock, timer callbacks and open, and guards everything below.
  std::mutex lock;
  bool closing = false;
  bool rrun = false;  // rt was armed and not stopped since
  bool wrun = false;
  uint64_t rseq = 0;  // generation of rt: a callback that carries another value is stale
  uint64_t wseq = 0;
  timer rt;
  timer wt;
  int64_t rd = 0;  // read deadline: > 0 nanotime(), 0 none, < 0 passed
  int64_t wd = 0;

  std::atomic<uintptr_t>& slot(poll_mode m) { return m == poll_mode::read ? rg : wg; }
  uint64_t tag() const { return uint64_t{fdseq.load()} << 32 | index; }

  // Publishes closing, expiry and generation; call after changing them, with `lock` held, and
  // before any unblock.
  void publish_info();
  // Just allocated: forgets the last user. `for_fd` is -1 where there is no descriptor.
  void begin_use(int for_fd);
  // Records what a later operation must know about an event of generation `seq`; without effect if
  // another generation is current. No lock.
  void note_event(uint32_t epoll_mask, uint32_t seq);
  void clear_events();     // a new user: forget the events of the last
  void next_generation();  // for poll_cache::free

  // Whether a read that returned less than it asked for has drained the socket, so that a new edge
  // will follow new data. Not so once an event reported end of stream, an error or urgent data.
  bool short_read_drains() const {
    return (atomic_info.load() & info_short_read_inconclusive) == 0;
  }
};

// Registers fd. The new poll_desc, or null and an errno.
poll_desc* poll_open(scheduler& s, int fd, int* err);
// Ends the registration and frees pd. poll_unblock must have been called, and everybody gone.
void poll_close(poll_desc* pd);
// Start of an operation, before its first system call: checks for errors and forgets old readiness.
poll_result poll_reset(poll_desc& pd, poll_mode mode);
// After EAGAIN: parks until the system call is worth trying again, or fails.
poll_result poll_wait(poll_desc& pd, poll_mode mode);
// `d` from now in ns; 0: none; < 0: passed. Wakes waiters if it has passed. No effect when closing.
void poll_set_deadline(poll_desc& pd, int64_t d, poll_modes modes);
// For close: all waits end with poll_result::closing, now and later. Once per open.
void poll_unblock(poll_desc& pd);

// The pieces, for netpoller and deadline.cc (and tests).
poll_result netpoll_check_err(const poll_desc& pd, poll_mode mode);
bool netpoll_block(poll_desc& pd, poll_mode mode);
g* netpoll_unblock(poll_desc& pd, poll_mode mode, bool io_ready, int32_t* delta);
int32_t netpoll_ready(g_list& list, poll_desc& pd, bool read, bool write);

}  // namespace netpoll

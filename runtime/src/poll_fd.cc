// SPDX-License-Identifier: MIT
// The order of things in every operation: lock or reference (fails if closed), error check and
// reset of the slot, system call; on EAGAIN wait in the poller and call again. The poller never
// says how much there is, only "try again", so a needless wake-up is harmless.
//
// Close: mark closed (new operations fail from here), unblock the poll_desc (those that wait come
// back), drop the own reference. Whoever drops the last reference destroys: epoll DEL, free the
// poll_desc, close(2), in this order, so that neither the poll_desc nor the descriptor number can
// belong to somebody else while one of us still uses it. Close's own reference keeps the
// destruction after the unblocking.
//
// Reading less than asked for. On a stream, that means the socket is empty (epoll(7)), and the next
// data will make a new edge, which sets the slot READY. So the next read may skip its first system
// call, which would return EAGAIN, and wait first; it must then not reset the slot, for the edge
// may already be there. The exceptions are what makes no further edge once reported: end of stream,
// errors, urgent data. The poller notes them in the poll_desc before it sets the slot READY
// (note_event): if the note is not there yet when a read decides to wait, the READY that follows
// the note ends the wait.
#include "src/poll_fd.h"

#include <cerrno>
#include <utility>

#include "src/fatal.h"
#include "src/fd_use.h"
#include "src/from_now.h"
#include "src/scheduler.h"
#include "src/sigpipe_guard.h"

namespace netpoll {

Error poll_fd::to_error(poll_result r) const {
  switch (r) {
    case poll_result::ok:
      return Error();
    case poll_result::closing:
      return closing();
    case poll_result::timeout:
      return Error(Errc::deadline_exceeded);
    case poll_result::not_pollable:
      return Error(Errc::not_pollable);
  }
  fatal("unreachable: unknown poll_result", static_cast<long>(r));
}

poll_fd::~poll_fd() {
  if (sysfd_ >= 0) (void)close();
}

Error poll_fd::init() {
  int err = 0;
  pd_ = poll_open(sched_, sysfd_, &err);
  if (!pd_) {
    is_blocking_ = true;
    return Error::from_errno("epoll_ctl", err);
  }
  return Error();
}

Error poll_fd::prepare(poll_mode mode) { return pd_ ? to_error(poll_reset(*pd_, mode)) : Error(); }

Error poll_fd::wait(poll_mode mode) { return to_error(poll_wait(*pd_, mode)); }

// The start of a read: usually prepare; after a short read, the wait (see the top of the file).
Error poll_fd::prepare_read() {
  if (!drained_ || !pd_->short_read_drains()) return prepare(poll_mode::read);
  const Error err = wait(poll_mode::read);
  if (!err) drained_ = false;
  return err;
}

// The others may leave data behind, so the next read must not wait first.
Error poll_fd::prepare_other_read() {
  drained_ = false;
  return prepare(poll_mode::read);
}

IoResult poll_fd::read(void* buf, size_t len) {
  fd_use use(*this, fd_use::kind::read);
  if (!use) return {0, closing()};
  if (len == 0) return {};  // not end of stream, and no matter of deadlines
  if (const Error err = prepare_read()) return {0, err};
  len = chunk(len);
  for (;;) {
    const ssize_t n = is_socket() ? sys_recv(sysfd_, buf, len) : sys_read(sysfd_, buf, len);
    if (n > 0) {
      // Sockets only: what a short read of a pipe or a terminal means depends on its mode.
      drained_ = type_ == fd_type::stream && pd_ && static_cast<size_t>(n) < len &&
                 sched_.options().wait_after_short_read;
      return {static_cast<size_t>(n), Error()};
    }
    drained_ = false;
    if (n == 0) return {0, zero_read_is_eof() ? Error(Errc::eof) : Error()};
    if (n == -EINTR) continue;
    if (n == -EAGAIN && pd_) {
      if (const Error err = wait(poll_mode::read)) return {0, err};
      continue;
    }
    return {0, Error::from_errno("read", static_cast<int>(-n))};
  }
}

ssize_t poll_fd::write_once(const void* buf, size_t len) {
  if (is_socket()) return sys_send(sysfd_, buf, len);
  return without_sigpipe([&] { return sys_write(sysfd_, buf, len); });
}

IoResult poll_fd::write(const void* buf, size_t len) {
  fd_use use(*this, fd_use::kind::write);
  if (!use) return {0, closing()};
  if (const Error err = prepare(poll_mode::write)) return {0, err};
  const char* p = static_cast<const char*>(buf);
  size_t done = 0;
  for (;;) {
    const size_t asked = chunk(len - done);
    const ssize_t n = write_once(p + done, asked);
    if (n == -EINTR) continue;
    if (n > 0) {
      if (static_cast<size_t>(n) > asked) fatal("invalid return from write", n);
      done += static_cast<size_t>(n);
    }
    if (done == len) return {done, Error()};
    if (n == -EAGAIN && pd_) {
      if (const Error err = wait(poll_mode::write)) return {done, err};
      continue;
    }
    if (n < 0) return {done, Error::from_errno("write", static_cast<int>(-n))};
    if (n == 0) return {done, Error(Errc::unexpected_eof)};
  }
}

Error poll_fd::accept(int* sysfd) {
  fd_use use(*this, fd_use::kind::read);
  if (!use) return closing();
  if (const Error err = prepare(poll_mode::read)) return err;
  for (;;) {
    const int fd = sys_accept(sysfd_);
    if (fd >= 0) {
      *sysfd = fd;
      return Error();
    }
    if (fd == -EINTR) continue;
    if (fd == -EAGAIN && pd_) {
      if (const Error err = wait(poll_mode::read)) return err;
      continue;
    }
    // The peer gave up while it was queued. There may be others, and no new edge for them.
    if (fd == -ECONNABORTED) continue;
    return Error::from_errno("accept4", -fd);
  }
}

Error poll_fd::wait_write() { return wait(poll_mode::write); }

Error poll_fd::set_deadline(std::chrono::steady_clock::time_point t, poll_modes modes) {
  const int64_t d = from_now(t);
  fd_use use(*this, fd_use::kind::reference);
  if (!use) return closing();
  if (!pd_) return Error(Errc::no_deadline);
  poll_set_deadline(*pd_, d, modes);
  return Error();
}

Error poll_fd::close() {
  if (!mutex_.incref_and_close()) return closing();
  if (pd_) poll_unblock(*pd_);
  int err = 0;
  if (mutex_.decref()) err = destroy();
  // Until close(2) has been done; but not on a blocking read that nothing can interrupt.
  if (!is_blocking_) closed_.acquire_for(wait_reason::fd_close);
  return err != 0 ? Error::from_errno("close", err) : Error();
}

// Returns close(2)'s errno. Not retried on EINTR: Linux has closed the descriptor, and its number
// may be somebody else's by now.
int poll_fd::destroy() {
  if (pd_) poll_close(std::exchange(pd_, nullptr));
  const int r = sys_close(std::exchange(sysfd_, -1));
  closed_.release();
  return r < 0 ? -r : 0;
}

}  // namespace netpoll

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

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "src/fatal.h"
#include "src/scheduler.h"
#include "src/sys.h"

namespace netpoll {

namespace {

// No single read or write on a stream asks for more: some kernels fail or truncate beyond it.
constexpr size_t max_rw = size_t{1} << 30;

Error to_error(poll_result r) {
  switch (r) {
    case poll_result::ok:
      return Error();
    case poll_result::closing:
      return Error(Errc::net_closing);
    case poll_result::timeout:
      return Error(Errc::deadline_exceeded);
    case poll_result::not_pollable:
      return Error(Errc::not_pollable);
  }
  fatal("unreachable: unknown poll_result", static_cast<long>(r));
}

}  // namespace

// One use of a poll_fd: a lock or a reference, given back at the end of the scope.
class fd_use {
 public:
  enum class kind { reference, read, write };

  fd_use(poll_fd& fd, kind k) : fd_(fd), kind_(k) {
    switch (k) {
      case kind::reference:
        ok_ = fd.mutex_.incref();
        break;
      case kind::read:
        ok_ = fd.mutex_.rwlock(fd_mutex::dir::read);
        break;
      case kind::write:
        ok_ = fd.mutex_.rwlock(fd_mutex::dir::write);
        break;
    }
  }
  ~fd_use() {
    if (!ok_) return;
    const bool last = kind_ == kind::reference ? fd_.mutex_.decref()
                      : kind_ == kind::read    ? fd_.mutex_.rwunlock(fd_mutex::dir::read)
                                               : fd_.mutex_.rwunlock(fd_mutex::dir::write);
    if (last) fd_.destroy();
  }
  fd_use(const fd_use&) = delete;
  fd_use& operator=(const fd_use&) = delete;

  explicit operator bool() const { return ok_; }

 private:
  poll_fd& fd_;
  const kind kind_;
  bool ok_;
};

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

IoResult poll_fd::read(void* buf, size_t len) {
  fd_use use(*this, fd_use::kind::read);
  if (!use) return {0, Error(Errc::net_closing)};
  if (len == 0) return {};  // not end of stream, and no matter of deadlines
  if (const Error err = prepare_read()) return {0, err};
  if (is_stream_ && len > max_rw) len = max_rw;
  for (;;) {
    const ssize_t n = sys_read(sysfd_, buf, len);
    if (n > 0) {
      drained_ = is_stream_ && pd_ && static_cast<size_t>(n) < len &&
                 sched_.options().wait_after_short_read;
      return {static_cast<size_t>(n), Error()};
    }
    drained_ = false;
    if (n == 0) return {0, Error(Errc::eof)};
    if (n == -EINTR) continue;
    if (n == -EAGAIN && pd_) {
      if (const Error err = wait(poll_mode::read)) return {0, err};
      continue;
    }
    return {0, Error::from_errno("read", static_cast<int>(-n))};
  }
}

IoResult poll_fd::write(const void* buf, size_t len) {
  fd_use use(*this, fd_use::kind::write);
  if (!use) return {0, Error(Errc::net_closing)};
  if (const Error err = prepare(poll_mode::write)) return {0, err};
  const char* p = static_cast<const char*>(buf);
  size_t done = 0;
  for (;;) {
    size_t chunk = len - done;
    if (is_stream_ && chunk > max_rw) chunk = max_rw;
    const ssize_t n = sys_send(sysfd_, p + done, chunk);
    if (n == -EINTR) continue;
    if (n > 0) {
      if (static_cast<size_t>(n) > chunk) fatal("invalid return from write", n);
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
  if (!use) return Error(Errc::net_closing);
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

Error poll_fd::shutdown(int how) {
  fd_use use(*this, fd_use::kind::reference);
  if (!use) return Error(Errc::net_closing);
  const int r = sys_shutdown(sysfd_, how);
  return r < 0 ? Error::from_errno("shutdown", -r) : Error();
}

Error poll_fd::set_option(int level, int name, int value) {
  return set_option(level, name, &value, sizeof value);
}

Error poll_fd::set_option(int level, int name, const void* value, uint32_t len) {
  fd_use use(*this, fd_use::kind::reference);
  if (!use) return Error(Errc::net_closing);
  const int r = sys_setsockopt(sysfd_, level, name, value, len);
  return r < 0 ? Error::from_errno("setsockopt", -r) : Error();
}

Error poll_fd::set_deadline(std::chrono::steady_clock::time_point t, poll_modes modes) {
  int64_t d = 0;
  if (t != std::chrono::steady_clock::time_point{}) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const auto ns = [](auto duration) {
      return std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
    };
    if (__builtin_sub_overflow(ns(t.time_since_epoch()), ns(now), &d)) d = INT64_MIN;
    if (d == 0) d = -1;  // now, which is not "never"
  }
  fd_use use(*this, fd_use::kind::reference);
  if (!use) return Error(Errc::net_closing);
  if (!pd_) return Error(Errc::no_deadline);
  poll_set_deadline(*pd_, d, modes);
  return Error();
}

Error poll_fd::close() {
  if (!mutex_.incref_and_close()) return Error(Errc::net_closing);
  if (pd_) poll_unblock(*pd_);
  int err = 0;
  if (mutex_.decref()) err = destroy();
  // Until close(2) has been done; but not on a blocking read that nothing can interrupt.
  if (!is_blocking_) closed_.acquire();
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

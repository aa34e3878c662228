// SPDX-License-Identifier: MIT
// A write offers its buffer to the other end and waits until it is used up. A read takes from the
// offer, under the link's lock, so that a writer that gives up (deadline, close) withdraws the
// offer under the same lock and may then do with its buffer what it likes.
//
// Both wait in the manner of sockets: look under the lock; if there is nothing, wait; look again.
// Whoever changes what the other side looks at wakes it afterwards. A wake-up that comes between
// the look and the wait is kept (waitable); one that is not needed is harmless. The fd_mutex of an
// end admits one reader and one writer at a time and sends the others away on close.
#include "netpoll/pipe.h"

#include <algorithm>
#include <cstring>

#include "src/fd_mutex.h"
#include "src/from_now.h"
#include "src/net_fd.h"
#include "src/scheduler.h"
#include "src/waitable.h"

namespace netpoll {

namespace {

struct pipe_side {
  explicit pipe_side(scheduler& s) : waiters(s) {}

  fd_mutex mutex;
  waitable waiters;  // the reader and the writer at this end, and its deadlines
  // The rest: pipe_link::lock.
  bool closed = false;
  bool offered = false;  // a writer at this end waits until `left` bytes at `data` are taken
  const char* data = nullptr;
  size_t left = 0;
};

// The lock of one direction of one end, as fd_use for a poll_fd. There is nothing to destroy when
// the last one leaves: the sides live as long as the handles.
class side_use {
 public:
  side_use(fd_mutex& m, fd_mutex::dir d) : mutex_(m), dir_(d), ok_(m.rwlock(d)) {}
  ~side_use() {
    if (ok_) (void)mutex_.rwunlock(dir_);
  }
  side_use(const side_use&) = delete;
  side_use& operator=(const side_use&) = delete;
  explicit operator bool() const { return ok_; }

 private:
  fd_mutex& mutex_;
  const fd_mutex::dir dir_;
  const bool ok_;
};

struct pipe_link {
  explicit pipe_link(scheduler& s) : first(s), second(s) {}

  std::mutex lock;
  pipe_side first;
  pipe_side second;
  const std::shared_ptr<const OpContext> context =
      std::make_shared<const OpContext>(OpContext{"pipe", {}, {}});
};

}  // namespace

class pipe_end {
 public:
  pipe_end(std::shared_ptr<pipe_link> link, pipe_side& own, pipe_side& peer)
      : link_(std::move(link)), own_(own), peer_(peer) {}
  ~pipe_end() { close(); }
  pipe_end(const pipe_end&) = delete;
  pipe_end& operator=(const pipe_end&) = delete;

  IoResult read(void* buf, size_t len) {
    side_use use(own_.mutex, fd_mutex::dir::read);
    if (!use) return {0, Error(Errc::closed_pipe)};
    poll_result r = own_.waiters.reset(poll_mode::read);
    for (;;) {
      if (r == poll_result::closing) return {0, Error(Errc::closed_pipe)};
      {
        std::unique_lock<std::mutex> hold(link_->lock);
        if (peer_.closed) return {0, Error(Errc::eof)};
        if (r != poll_result::ok) return {0, deadline_exceeded("read")};
        if (peer_.offered) {
          const size_t n = std::min(len, peer_.left);
          if (n > 0) std::memcpy(buf, peer_.data, n);
          peer_.data += n;
          peer_.left -= n;
          const bool all = peer_.left == 0;
          peer_.offered = !all;
          hold.unlock();
          if (all) peer_.waiters.wake(poll_mode::write);
          return {n, Error()};
        }
      }
      r = own_.waiters.wait(poll_mode::read);
    }
  }

  IoResult write(const void* buf, size_t len) {
    side_use use(own_.mutex, fd_mutex::dir::write);
    if (!use) return {0, Error(Errc::closed_pipe)};
    poll_result r = own_.waiters.reset(poll_mode::write);
    {
      std::lock_guard<std::mutex> hold(link_->lock);
      if (r == poll_result::closing || peer_.closed) return {0, Error(Errc::closed_pipe)};
      if (r != poll_result::ok) return {0, deadline_exceeded("write")};
      own_.offered = true;
      own_.data = static_cast<const char*>(buf);
      own_.left = len;
    }
    peer_.waiters.wake(poll_mode::read);
    for (;;) {
      r = own_.waiters.wait(poll_mode::write);
      std::lock_guard<std::mutex> hold(link_->lock);
      const bool taken = !own_.offered;
      if (!taken && r == poll_result::ok && !peer_.closed) continue;
      own_.offered = false;
      own_.data = nullptr;
      const size_t n = len - own_.left;
      if (taken) return {n, Error()};
      if (r == poll_result::timeout) return {n, deadline_exceeded("write")};
      return {n, Error(Errc::closed_pipe)};
    }
  }

  void close() {
    if (!own_.mutex.incref_and_close()) return;
    {
      std::lock_guard<std::mutex> hold(link_->lock);
      own_.closed = true;
    }
    own_.waiters.close();
    peer_.waiters.wake(poll_mode::read);
    peer_.waiters.wake(poll_mode::write);
    (void)own_.mutex.decref();
  }

  Error set_deadline(Deadline t, poll_modes modes) {
    {
      std::lock_guard<std::mutex> hold(link_->lock);
      if (own_.closed || peer_.closed) return Error(Errc::closed_pipe);
    }
    own_.waiters.set_deadline(from_now(t), modes);
    return Error();
  }

 private:
  Error deadline_exceeded(const char* op) const {
    return Error(Errc::deadline_exceeded).with_op(op, link_->context);
  }

  const std::shared_ptr<pipe_link> link_;
  pipe_side& own_;
  pipe_side& peer_;
};

IoResult PipeConn::read(void* buf, size_t len) {
  return end_ ? end_->read(buf, len) : IoResult{0, no_handle()};
}

IoResult PipeConn::write(const void* buf, size_t len) {
  return end_ ? end_->write(buf, len) : IoResult{0, no_handle()};
}

Error PipeConn::close() {
  if (!end_) return no_handle();
  end_->close();
  return Error();
}

Error PipeConn::set_deadline(Deadline t) {
  return end_ ? end_->set_deadline(t, poll_modes::both) : no_handle();
}

Error PipeConn::set_read_deadline(Deadline t) {
  return end_ ? end_->set_deadline(t, poll_modes::read) : no_handle();
}

Error PipeConn::set_write_deadline(Deadline t) {
  return end_ ? end_->set_deadline(t, poll_modes::write) : no_handle();
}

Result<std::pair<PipeConn, PipeConn>> pipe() {
  scheduler& s = scheduler::current("pipe called outside a goroutine");
  auto link = std::make_shared<pipe_link>(s);
  if (!link->first.waiters.ok() || !link->second.waiters.ok()) {
    return {{}, Error::from_errno(nullptr, ENOMEM)};
  }
  pipe_side& a = link->first;
  pipe_side& b = link->second;
  return {{PipeConn(std::make_shared<pipe_end>(link, a, b)),
           PipeConn(std::make_shared<pipe_end>(link, b, a))},
          Error()};
}

}  // namespace netpoll

// SPDX-License-Identifier: MIT
// Connecting one socket.
//
// connect(2) comes before the registration with epoll, because a TCP socket that is not connecting
// reports OUT|HUP at once. Then it is called never again: the outcome is in SO_ERROR, and where
// that says 0, getpeername tells a real connection from a needless wake-up.
//
// A dial ends early in two ways, both through the descriptor's write deadline: the dial's own
// deadline is set as that deadline; cancel() sets it to the far past. So when a dial is about to
// succeed it must know that no cancel has spoilt the deadline or is about to: it takes itself off
// the canceller under the canceller's lock, and if cancel() came first, the dial has failed. After
// that cancel() cannot reach the descriptor, and the deadline is cleared.
//
// A context is one more canceller (dial_context), but for the error.
//
// Lock order: a context's lock -> DialCanceller::lock_ -> poll_desc::lock.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "src/clock.h"
#include "src/dial_watch.h"
#include "src/scheduler.h"
#include "src/socket.h"
#include "src/socket_address.h"

namespace netpoll {

namespace {

// The local port that the kernel picks may be the one dialled: then the socket connects to itself.
constexpr int self_connect_retries = 2;
constexpr Deadline far_past{std::chrono::nanoseconds(1)};  // not time_point{}, which would clear

}  // namespace

// Cancelling.

dial_watch::dial_watch(DialCanceller* c, net_fd* fd) : canceller_(c), fd_(fd) {
  if (!c) return;
  std::lock_guard<std::mutex> hold(c->lock_);
  next_ = c->watches_;
  if (next_) next_->previous_ = this;
  c->watches_ = this;
  if (c->canceled_) poison();
}

bool dial_watch::release() {
  if (!canceller_) return false;
  DialCanceller* c = std::exchange(canceller_, nullptr);
  std::lock_guard<std::mutex> hold(c->lock_);
  (previous_ ? previous_->next_ : c->watches_) = next_;
  if (next_) next_->previous_ = previous_;
  return c->canceled_;
}

void dial_watch::poison() { (void)fd_->pfd.set_deadline(far_past, poll_modes::write); }

void DialCanceller::cancel() {
  std::lock_guard<std::mutex> hold(lock_);
  if (canceled_) return;
  canceled_ = true;
  for (dial_watch* w = watches_; w; w = w->next_) w->poison();
}

bool DialCanceller::canceled() const {
  std::lock_guard<std::mutex> hold(lock_);
  return canceled_;
}

Error interrupted(const dial_limits& limits) {
  for (const DialCanceller* c : {limits.canceller, limits.race}) {
    if (c && c->canceled()) return Error(Errc::canceled);
  }
  if (limits.context) {
    if (Error err = limits.context->err()) return err;
  }
  if (limits.deadline != Deadline{} && std::chrono::steady_clock::now() >= limits.deadline) {
    return Error(Errc::timeout);
  }
  return Error();
}

Deadline dial_deadline(const DialOptions& options) {
  Deadline deadline = options.deadline;
  const auto context = options.context.deadline();
  // The instant that would mean "none" has passed, and the context has said so.
  if (context && *context != Deadline{} && (deadline == Deadline{} || *context < deadline)) {
    deadline = *context;
  }
  if (options.timeout.count() == 0) return deadline;
  const int64_t at = saturating_add(nanotime(), options.timeout.count());
  const Deadline timeout(std::chrono::nanoseconds(std::max<int64_t>(at, 1)));
  return deadline == Deadline{} ? timeout : std::min(deadline, timeout);
}

namespace {

// After EINPROGRESS and init: waits until the socket is connected or has failed.
Error await_connection(net_fd& fd, Address* peer) {
  for (;;) {
    if (Error err = fd.pfd.wait_write()) return err;
    int so_error = 0;
    const int r = sys_getsockopt_int(fd.pfd.sysfd(), SOL_SOCKET, SO_ERROR, &so_error);
    if (r < 0) return Error::from_errno("getsockopt", -r);
    switch (so_error) {
      case EINPROGRESS:
      case EALREADY:
      case EINTR:
        continue;
      case 0:
      case EISCONN:
        break;
      default:
        return Error::from_errno("connect", so_error);
    }
    if (remote_address(fd.pfd.sysfd(), peer) == 0) return Error();
    // Not connected after all: a needless wake-up.
  }
}

// *peer is whom it is connected to, which for the any address is not `to`.
Error connect(net_fd& fd, const Address& to, const dial_limits& limits, Address* peer) {
  socket_address a;
  if (Error err = to_socket_address(to, fd.family, &a)) return err;
  const int r = sys_connect(fd.pfd.sysfd(), &a.any, a.len);
  if (r < 0 && r != -EISCONN && r != -EINPROGRESS && r != -EALREADY && r != -EINTR) {
    return Error::from_errno("connect", -r);
  }
  const bool connected = r == 0 || r == -EISCONN;
  if (connected) {
    if (Error err = interrupted(limits)) return err;
  }
  if (Error err = fd.pfd.init()) return err;
  if (connected) {
    if (remote_address(fd.pfd.sysfd(), peer) < 0) *peer = to;
    return Error();
  }

  if (limits.deadline != Deadline{}) {
    if (Error err = fd.pfd.set_deadline(limits.deadline, poll_modes::write)) return err;
  }
  dial_watch watch(limits.canceller, &fd);
  dial_watch context(limits.context ? limits.context->canceller() : nullptr, &fd);
  dial_watch race(limits.race, &fd);
  Error err = await_connection(fd, peer);
  bool canceled = watch.release();
  const bool context_done = context.release();
  canceled |= race.release();
  if (canceled) return Error(Errc::canceled);
  if (context_done) return limits.context->err();
  // The write deadline is the dial's own: its expiry is the dial's timeout.
  if (err.code() == Errc::deadline_exceeded) return Error(Errc::timeout);
  if (err) return err;
  if (limits.deadline != Deadline{}) return fd.pfd.set_deadline(Deadline{}, poll_modes::write);
  return Error();
}

Error dial_once(scheduler& s, const network& net, const Address& to, const DialOptions& options,
                const dial_limits& limits, std::shared_ptr<net_fd>* out) {
  if (Error err = open_socket(s, net, to, out)) return err;
  net_fd& fd = **out;
  const int sysfd = fd.pfd.sysfd();
  if (options.control) {
    if (Error err = options.control(control_network(net, fd.family), to, sysfd)) return err;
  }
  if (!options.local.empty()) {
    if (Error err = bind_socket(fd, options.local)) return err;
  }
  Address peer;
  if (Error err = connect(fd, to, limits, &peer)) return err;
  fd.set_addresses(local_address(sysfd), peer);
  return Error();
}

}  // namespace

Error dial_socket(scheduler& s, const network& net, const Address& to, const DialOptions& options,
                  const dial_limits& limits, std::shared_ptr<net_fd>* out) {
  const bool may_retry = net.inet && net.type == SOCK_STREAM && options.local.port() == 0;
  for (int retries = 0;; retries++) {
    if (Error err = interrupted(limits)) return err;
    const Error err = dial_once(s, net, to, options, limits, out);
    const bool to_itself = !err && (*out)->local() == (*out)->remote();
    const bool no_port = err.sys_errno() == EADDRNOTAVAIL;
    const bool again = may_retry && (to_itself || no_port) && retries < self_connect_retries;
    if (err || again) out->reset();
    if (!again) return err;
  }
}

}  // namespace netpoll

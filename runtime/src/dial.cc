// SPDX-License-Identifier: MIT
// Connecting.
//
// connect(2) comes before the registration with epoll, because a TCP socket that is not connecting
// reports OUT|HUP at once. Then it is called never again: the outcome is in SO_ERROR, and where
// that says 0, getpeername tells a real connection from a needless wake-up.
//
// A dial ends early in two ways, both through the descriptor's write deadline: the dial's timeout
// is set as that deadline; cancel() sets it to the far past. So when a dial is about to succeed it
// must know that no cancel has spoilt the deadline or is about to: it takes itself off the
// canceller under the canceller's lock, and if cancel() came first, the dial has failed. After that
// cancel() cannot reach the descriptor, and the deadline is cleared.
//
// Lock order: DialCanceller::lock_ -> poll_desc::lock.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "netpoll/net.h"
#include "src/clock.h"
#include "src/net_fd.h"
#include "src/scheduler.h"
#include "src/sys.h"

namespace netpoll {

namespace {

// The local port that the kernel picks may be the one dialled: then the socket connects to itself.
constexpr int self_connect_retries = 2;
constexpr Deadline far_past{std::chrono::nanoseconds(1)};  // not time_point{}, which would clear

}  // namespace

// Ties one dial to its canceller, if it has one.
class dial_watch {
 public:
  dial_watch(DialCanceller* c, net_fd* fd) : canceller_(c) {
    if (!canceller_) return;
    std::lock_guard<std::mutex> hold(canceller_->lock_);
    canceller_->dialing_ = fd;
    if (canceller_->canceled_) poison(fd);
  }
  ~dial_watch() { (void)release(); }
  dial_watch(const dial_watch&) = delete;
  dial_watch& operator=(const dial_watch&) = delete;

  // From here on cancel() has no effect on the descriptor. True if it came before.
  bool release() {
    if (!canceller_) return false;
    DialCanceller* c = std::exchange(canceller_, nullptr);
    std::lock_guard<std::mutex> hold(c->lock_);
    c->dialing_ = nullptr;
    return c->canceled_;
  }

  static bool canceled(DialCanceller* c) {
    if (!c) return false;
    std::lock_guard<std::mutex> hold(c->lock_);
    return c->canceled_;
  }
  static void poison(net_fd* fd) { (void)fd->pfd.set_deadline(far_past, poll_modes::write); }

 private:
  DialCanceller* canceller_;
};

void DialCanceller::cancel() {
  std::lock_guard<std::mutex> hold(lock_);
  if (canceled_) return;
  canceled_ = true;
  if (dialing_) dial_watch::poison(dialing_);
}

namespace {

bool passed(Deadline deadline) {
  return deadline != Deadline{} && std::chrono::steady_clock::now() >= deadline;
}

// What ended the dial, if not the network.
Error interrupted(Deadline deadline, DialCanceller* canceller) {
  if (dial_watch::canceled(canceller)) return Error(Errc::canceled);
  if (passed(deadline)) return Error(Errc::timeout);
  return Error();
}

// After EINPROGRESS and init: waits until the socket is connected or has failed.
Error await_connection(net_fd& fd, Ipv4Endpoint* peer) {
  for (;;) {
    if (const Error err = fd.pfd.wait_write()) return err;
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
    if (remote_endpoint(fd.pfd.sysfd(), peer) == 0) return Error();
    // Not connected after all: a needless wake-up.
  }
}

Error connect(net_fd& fd, Ipv4Endpoint to, Deadline deadline, DialCanceller* canceller) {
  const sockaddr_in addr = to_sockaddr(to);
  const int r = sys_connect(fd.pfd.sysfd(), reinterpret_cast<const sockaddr*>(&addr), sizeof addr);
  if (r < 0 && r != -EISCONN && r != -EINPROGRESS && r != -EALREADY && r != -EINTR) {
    return Error::from_errno("connect", -r);
  }
  const bool connected = r == 0 || r == -EISCONN;
  if (connected) {
    if (const Error err = interrupted(deadline, canceller)) return err;
  }
  if (const Error err = fd.pfd.init()) return err;
  fd.remote = to;
  if (connected) return Error();

  if (deadline != Deadline{}) {
    if (const Error err = fd.pfd.set_deadline(deadline, poll_modes::write)) return err;
  }
  dial_watch watch(canceller, &fd);
  Error err = await_connection(fd, &fd.remote);
  const bool canceled = watch.release();
  if (canceled) return Error(Errc::canceled);
  // The write deadline is the dial's own: its expiry is the dial's timeout.
  if (err.code() == Errc::deadline_exceeded) return Error(Errc::timeout);
  if (err) return err;
  if (deadline != Deadline{}) return fd.pfd.set_deadline(Deadline{}, poll_modes::write);
  return Error();
}

// One attempt. `fd` gets the connected descriptor.
Error dial_once(scheduler& s, Ipv4Endpoint to, Deadline deadline, DialCanceller* canceller,
                std::shared_ptr<net_fd>* fd) {
  const int sysfd = sys_socket_tcp4();
  if (sysfd < 0) return Error::from_errno("socket", -sysfd);
  *fd = std::make_shared<net_fd>(s, sysfd);  // closes it on failure
  if (const Error err = connect(**fd, to, deadline, canceller)) return err;
  (*fd)->local = local_endpoint(sysfd);
  return Error();
}

}  // namespace

Result<TcpConn> dial_tcp(Ipv4Endpoint to, DialOptions options) {
  scheduler& s = scheduler::current("dial_tcp called outside a goroutine");
  const auto failed = [to](Error e) { return Result<TcpConn>{{}, e.with_op("dial", {}, to)}; };
  // Once, so that retries share it.
  Deadline deadline{};
  if (options.timeout.count() != 0) {
    const int64_t at = saturating_add(nanotime(), options.timeout.count());
    deadline = Deadline(std::chrono::nanoseconds(std::max<int64_t>(at, 1)));
  }
  if (const Error err = interrupted(deadline, options.canceller)) return failed(err);
  for (int retries = 0;; retries++) {
    std::shared_ptr<net_fd> fd;
    const Error err = dial_once(s, to, deadline, options.canceller, &fd);
    const bool to_itself = !err && fd->local == fd->remote;
    const bool no_port = err.sys_errno() == EADDRNOTAVAIL;
    if ((to_itself || no_port) && retries < self_connect_retries) continue;
    if (err) return failed(err);
    set_connection_defaults(fd->pfd.sysfd());
    return {TcpConn(std::move(fd)), Error()};
  }
}

}  // namespace netpoll

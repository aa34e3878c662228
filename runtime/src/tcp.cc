// SPDX-License-Identifier: MIT
// TcpConn and TcpListener: errors get their operation and addresses here.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "netpoll/net.h"
#include "src/net_fd.h"
#include "src/scheduler.h"
#include "src/sys.h"

namespace netpoll {

namespace {

// The answer of an empty handle.
Error no_handle(const char* op) { return Error::from_errno(nullptr, EINVAL).with_op(op); }

}  // namespace

// Connections.

IoResult TcpConn::read(void* buf, size_t len) {
  if (!fd_) return {0, no_handle("read")};
  IoResult r = fd_->pfd.read(buf, len);
  if (r.err) r.err = fd_->op_error(r.err, "read");
  return r;
}

IoResult TcpConn::write(const void* buf, size_t len) {
  if (!fd_) return {0, no_handle("write")};
  IoResult r = fd_->pfd.write(buf, len);
  if (r.err) r.err = fd_->op_error(r.err, "write");
  return r;
}

Error TcpConn::close() {
  return fd_ ? fd_->op_error(fd_->pfd.close(), "close") : no_handle("close");
}

Error TcpConn::close_read() {
  return fd_ ? fd_->op_error(fd_->pfd.shutdown(SHUT_RD), "close") : no_handle("close");
}

Error TcpConn::close_write() {
  return fd_ ? fd_->op_error(fd_->pfd.shutdown(SHUT_WR), "close") : no_handle("close");
}

namespace {

Error set_conn_deadline(net_fd* fd, Deadline t, poll_modes modes) {
  if (!fd) return no_handle("set");
  return fd->pfd.set_deadline(t, modes).with_op("set", {}, fd->local);
}

}  // namespace

Error TcpConn::set_deadline(Deadline t) {
  return set_conn_deadline(fd_.get(), t, poll_modes::both);
}

Error TcpConn::set_read_deadline(Deadline t) {
  return set_conn_deadline(fd_.get(), t, poll_modes::read);
}

Error TcpConn::set_write_deadline(Deadline t) {
  return set_conn_deadline(fd_.get(), t, poll_modes::write);
}

Error TcpConn::set_no_delay(bool on) {
  if (!fd_) return no_handle("set");
  return fd_->op_error(fd_->pfd.set_option(IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0), "set");
}

Error TcpConn::set_linger(int seconds) {
  if (!fd_) return no_handle("set");
  linger l{};
  l.l_onoff = seconds >= 0;
  l.l_linger = seconds >= 0 ? seconds : 0;
  return fd_->op_error(fd_->pfd.set_option(SOL_SOCKET, SO_LINGER, &l, sizeof l), "set");
}

Ipv4Endpoint TcpConn::local_addr() const { return fd_ ? fd_->local : Ipv4Endpoint{}; }
Ipv4Endpoint TcpConn::remote_addr() const { return fd_ ? fd_->remote : Ipv4Endpoint{}; }

// Listeners.

Result<TcpConn> TcpListener::accept() {
  if (!fd_) return {{}, no_handle("accept")};
  int sysfd = -1;
  Error err = fd_->pfd.accept(&sysfd);
  if (err) return {{}, err.with_op("accept", {}, fd_->local)};
  auto conn = std::make_shared<net_fd>(fd_->pfd.sched(), sysfd);
  err = conn->pfd.init();
  // The new descriptor goes, the listener stays.
  if (err) return {{}, err.with_op("accept", {}, fd_->local)};
  set_connection_defaults(sysfd);
  conn->local = local_endpoint(sysfd);
  (void)remote_endpoint(sysfd, &conn->remote);
  return {TcpConn(std::move(conn)), Error()};
}

Error TcpListener::close() {
  if (!fd_) return no_handle("close");
  return fd_->pfd.close().with_op("close", {}, fd_->local);
}

Error TcpListener::set_deadline(Deadline t) {
  if (!fd_) return no_handle("set");
  return fd_->pfd.set_deadline(t, poll_modes::both).with_op("set", {}, fd_->local);
}

Ipv4Endpoint TcpListener::addr() const { return fd_ ? fd_->local : Ipv4Endpoint{}; }

Result<TcpListener> listen_tcp(Ipv4Endpoint at) {
  scheduler& s = scheduler::current("listen_tcp called outside a goroutine");
  const auto failed = [at](Error e) {
    return Result<TcpListener>{{}, e.with_op("listen", {}, at)};
  };
  const int sysfd = sys_socket_tcp4();
  if (sysfd < 0) return failed(Error::from_errno("socket", -sysfd));
  auto fd = std::make_shared<net_fd>(s, sysfd);  // closes it on every return below
  const int on = 1;
  int r = sys_setsockopt(sysfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (r < 0) return failed(Error::from_errno("setsockopt", -r));
  const sockaddr_in addr = to_sockaddr(at);
  r = sys_bind(sysfd, reinterpret_cast<const sockaddr*>(&addr), sizeof addr);
  if (r < 0) return failed(Error::from_errno("bind", -r));
  r = sys_listen(sysfd, SOMAXCONN);  // the kernel lowers it to its own limit
  if (r < 0) return failed(Error::from_errno("listen", -r));
  if (const Error err = fd->pfd.init()) return failed(err);
  fd->local = local_endpoint(sysfd);
  return {TcpListener(std::move(fd)), Error()};
}

}  // namespace netpoll

// SPDX-License-Identifier: MIT
#include "netpoll/conn.h"

#include <sys/socket.h>

#include "src/net_fd.h"
#include "src/scheduler.h"
#include "src/socket_address.h"

namespace netpoll {

// Connections.

Error Conn::set_read_buffer(int bytes) {
  if (!fd_) return no_handle();
  return fd_->local_error(fd_->pfd.set_option(SOL_SOCKET, SO_RCVBUF, bytes), "set");
}

Error Conn::set_write_buffer(int bytes) {
  if (!fd_) return no_handle();
  return fd_->local_error(fd_->pfd.set_option(SOL_SOCKET, SO_SNDBUF, bytes), "set");
}

Address Conn::local_addr() const { return fd_ ? fd_->local() : Address(); }
Address Conn::remote_addr() const { return fd_ ? fd_->remote() : Address(); }

Error Conn::close_read() {
  return fd_ ? fd_->op_error(fd_->pfd.shutdown(SHUT_RD), "close") : no_handle();
}

Error Conn::close_write() {
  return fd_ ? fd_->op_error(fd_->pfd.shutdown(SHUT_WR), "close") : no_handle();
}

PacketResult Conn::read_from(void* buf, size_t len) {
  if (!fd_) return {0, {}, no_handle()};
  socket_address from;
  const IoResult r = fd_->pfd.read_from(buf, len, &from);
  if (r.err) return {0, {}, fd_->op_error(r.err, "read")};
  return {r.n, from_socket_address(from), Error()};
}

MessageResult Conn::read_msg(void* buf, size_t len, void* oob, size_t oob_len, int flags) {
  if (!fd_) return {0, 0, 0, {}, no_handle()};
  const iovec part{buf, len};
  socket_address from;
  message_sizes sizes;
  const Error err = fd_->pfd.read_msg({&part, 1}, oob, oob_len, flags, &from, &sizes);
  if (err) return {sizes.n, sizes.oob_n, sizes.flags, {}, fd_->op_error(err, "read")};
  return {sizes.n, sizes.oob_n, sizes.flags, from_socket_address(from), Error()};
}

namespace {

// The destination of a write is the error's subject.
Error write_error(const net_fd& fd, const Error& e, const Address& to) {
  if (to.empty()) return fd.op_error(e, "write");
  return e.with_op("write", std::make_shared<OpContext>(OpContext{fd.net(), fd.local(), to}));
}

}  // namespace

IoResult Conn::write_to(const void* buf, size_t len, const Address& to) {
  if (!fd_) return {0, no_handle()};
  socket_address a;
  Error err = fd_->remote().empty() ? to_socket_address(to, fd_->family, &a)
                                    : Error(Errc::write_to_connected);
  if (err) return {0, write_error(*fd_, err, to)};
  IoResult r = fd_->pfd.write_to(buf, len, a);
  if (r.err) r.err = write_error(*fd_, r.err, to);
  return r;
}

IoResult Conn::write_msg(const void* buf, size_t len, const void* oob, size_t oob_len,
                         const Address& to) {
  if (!fd_) return {0, no_handle()};
  const bool connected = !fd_->remote().empty();
  socket_address a;
  Error err;
  if (connected != to.empty()) {
    err = Error(connected ? Errc::write_to_connected : Errc::missing_address);
  } else if (!connected) {
    err = to_socket_address(to, fd_->family, &a);
  }
  if (err) return {0, write_error(*fd_, err, to)};
  const iovec part{const_cast<void*>(buf), len};
  IoResult r = fd_->pfd.write_msg({&part, 1}, oob, oob_len, connected ? nullptr : &a);
  if (r.err) r.err = write_error(*fd_, r.err, to);
  return r;
}

// Listeners.

std::shared_ptr<net_fd> Listener::accept_fd(Error* err) {
  if (!fd_) {
    *err = no_handle();
    return nullptr;
  }
  int sysfd = -1;
  *err = fd_->local_error(fd_->pfd.accept(&sysfd), "accept");
  if (*err) return nullptr;
  auto conn =
      std::make_shared<net_fd>(fd_->pfd.sched(), sysfd, fd_->pfd.type(), fd_->family, fd_->net());
  *err = fd_->local_error(conn->pfd.init(), "accept");
  if (*err) return nullptr;  // the new descriptor goes, the listener stays
  Address remote;
  (void)remote_address(sysfd, &remote);
  conn->set_addresses(local_address(sysfd), std::move(remote));
  return conn;
}

Error Listener::close() { return fd_ ? fd_->local_error(fd_->close(), "close") : no_handle(); }

// Bare, as Go's: net/tcpsock.go, TCPListener.SetDeadline.
Error Listener::set_deadline(Deadline t) {
  return fd_ ? fd_->pfd.set_deadline(t, poll_modes::both) : no_handle();
}

Error Listener::raw_control(const std::function<void(int)>& f) {
  return fd_ ? fd_->local_error(fd_->pfd.raw_control(f), "raw-control") : no_handle();
}

Result<int> Listener::dup() {
  if (!fd_) return {-1, no_handle()};
  int copy = -1;
  const Error err = fd_->local_error(fd_->pfd.dup(&copy), "file");
  return {copy, err};
}

Address Listener::addr() const { return fd_ ? fd_->local() : Address(); }

}  // namespace netpoll

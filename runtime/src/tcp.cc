// SPDX-License-Identifier: MIT
#include "netpoll/tcp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "src/dial_race.h"
#include "src/make_handle.h"

namespace netpoll {

Result<TcpConn> TcpConn::adopt(int fd) { return adopt_handle<TcpConn>(fd, {net_tcp}, false); }

Error TcpConn::set_no_delay(bool on) {
  if (!fd_) return no_handle();
  return fd_->op_error(fd_->pfd.set_option(IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0), "set");
}

Error TcpConn::set_linger(int seconds) {
  if (!fd_) return no_handle();
  linger l{};
  l.l_onoff = seconds >= 0;
  l.l_linger = seconds >= 0 ? seconds : 0;
  return fd_->op_error(fd_->pfd.set_option(SOL_SOCKET, SO_LINGER, &l, sizeof l), "set");
}

Error TcpConn::set_keep_alive(const KeepAliveConfig& config) {
  return fd_ ? fd_->op_error(apply_keep_alive(fd_->pfd, config), "set") : no_handle();
}

Result<TcpListener> TcpListener::adopt(int fd) {
  return adopt_handle<TcpListener>(fd, {net_tcp}, true);
}

Result<TcpConn> TcpListener::accept() {
  Error err;
  std::shared_ptr<net_fd> conn = accept_fd(&err);
  if (!conn) return {{}, err};
  set_connection_defaults(conn->pfd.sysfd(), fd_->listen->keep_alive);
  return {TcpConn(std::move(conn)), Error()};
}

Result<TcpListener> listen_tcp(const Address& at, const ListenConfig& config) {
  return listen_handle<TcpListener>(net_tcp, at, config);
}

Result<TcpConn> dial_tcp(const Address& to, const DialOptions& options) {
  return dial_tcp(std::span(&to, 1), options);
}

Result<TcpConn> dial_tcp(std::span<const Address> to, const DialOptions& options) {
  scheduler& s = scheduler::current("dial_tcp called outside a goroutine");
  std::shared_ptr<net_fd> fd;
  const Error err = dial_addresses(s, net_tcp, to, options, &fd);
  if (err) return {{}, err};
  set_connection_defaults(fd->pfd.sysfd(), options.keep_alive);
  return {TcpConn(std::move(fd)), Error()};
}

}  // namespace netpoll

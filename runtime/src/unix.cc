// SPDX-License-Identifier: MIT
#include "netpoll/unix.h"

#include "src/make_handle.h"

namespace netpoll {

Result<UnixConn> UnixConn::adopt(int fd) {
  return adopt_handle<UnixConn>(fd, {net_unix, net_unixgram, net_unixpacket}, false);
}

Result<UnixListener> UnixListener::adopt(int fd) {
  return adopt_handle<UnixListener>(fd, {net_unix, net_unixpacket}, true);
}

Result<UnixConn> UnixListener::accept() {
  Error err;
  std::shared_ptr<net_fd> conn = accept_fd(&err);
  if (!conn) return {{}, err};
  return {UnixConn(std::move(conn)), Error()};
}

void UnixListener::set_unlink_on_close(bool on) {
  if (!fd_) return;
  listen_state& state = *fd_->listen;
  if (on && state.path.empty()) {
    const std::string_view name = fd_->local().unix_name();
    if (name.empty() || name[0] == '@') return;
    state.path = name;
  }
  state.unlink_due = on;
}

Result<UnixListener> listen_unix(const Address& at, const ListenConfig& config) {
  return listen_handle<UnixListener>(net_unix, at, config);
}

Result<UnixListener> listen_unixpacket(const Address& at, const ListenConfig& config) {
  return listen_handle<UnixListener>(net_unixpacket, at, config);
}

Result<UnixConn> listen_unixgram(const Address& at, const ListenConfig& config) {
  return listen_handle<UnixConn>(net_unixgram, at, config);
}

Result<UnixConn> dial_unix(const Address& to, const DialOptions& options) {
  return dial_handle<UnixConn>(net_unix, to, options);
}

Result<UnixConn> dial_unixpacket(const Address& to, const DialOptions& options) {
  return dial_handle<UnixConn>(net_unixpacket, to, options);
}

Result<UnixConn> dial_unixgram(const Address& to, const DialOptions& options) {
  return dial_handle<UnixConn>(net_unixgram, to, options);
}

}  // namespace netpoll

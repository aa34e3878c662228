// SPDX-License-Identifier: MIT
// What all handles share: a poll_fd, and what its errors say about it.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "netpoll/conn.h"
#include "src/poll_fd.h"

namespace netpoll {

// The part that only listeners have.
struct listen_state {
  KeepAliveConfig keep_alive;
  std::string path;                     // of a unix socket in the file system, else empty
  std::atomic<bool> unlink_due{false};  // remove `path`, once
};

class net_fd {
 public:
  net_fd(scheduler& s, int sysfd, fd_type type, int family, std::string net)
      : pfd(s, sysfd, type), family(family) {
    context_->net = std::move(net);
  }
  ~net_fd() { unlink_path(); }  // before pfd closes, as in close
  net_fd(const net_fd&) = delete;
  net_fd& operator=(const net_fd&) = delete;

  poll_fd pfd;
  const int family;                      // AF_, or AF_UNSPEC for files
  std::unique_ptr<listen_state> listen;  // null: not a listener

  // Before the handle is handed out: errors share the context from then on.
  void set_addresses(Address local, Address remote) {
    context_->local = std::move(local);
    context_->remote = std::move(remote);
  }
  const std::string& net() const { return context_->net; }
  const Address& local() const { return context_->local; }
  const Address& remote() const { return context_->remote; }

  // As Go's OpError: about both ends, or about the own end alone.
  Error op_error(const Error& e, const char* op) const { return e ? e.with_op(op, context_) : e; }
  Error local_error(const Error& e, const char* op) const {
    return e ? e.with_op(op, context_, Error::Subject::local) : e;
  }

  Error close() {
    unlink_path();
    return pfd.close();
  }

 private:
  void unlink_path() {
    if (listen && listen->unlink_due.exchange(false)) (void)sys_unlink(listen->path.c_str());
  }

  std::shared_ptr<OpContext> context_ = std::make_shared<OpContext>();
};

// The answer of an empty handle.
inline Error no_handle() { return Error::from_errno(nullptr, EINVAL); }

}  // namespace netpoll

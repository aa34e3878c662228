// SPDX-License-Identifier: MIT
// One use of a poll_fd: a lock or a reference, given back at the end of the scope.
#pragma once

#include "src/poll_fd.h"

namespace netpoll {

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

}  // namespace netpoll

// SPDX-License-Identifier: MIT
#include <algorithm>

#include "src/bulk.h"
#include "src/fd_use.h"
#include "src/sigpipe_guard.h"

namespace netpoll {

// Has the access of poll_fd's own functions.
class file_sender {
 public:
  static bulk_result send(poll_fd& to, poll_fd& from, uint64_t size, uint64_t chunk_max) {
    fd_use source(from, fd_use::kind::reference);
    if (!source) return {0, from.closing()};
    fd_use target(to, fd_use::kind::write);
    if (!target) return {0, to.closing()};
    // Or an expired deadline would be noticed only when the socket is full.
    if (Error err = to.prepare(poll_mode::write)) return {0, err};
    uint64_t done = 0;
    for (;;) {
      uint64_t asked = chunk_max;
      if (size != 0) asked = std::min(asked, size - done);
      const ssize_t n =
          without_sigpipe([&] { return sys_sendfile(to.sysfd_, from.sysfd_, asked); });
      if (n > 0) {
        done += static_cast<uint64_t>(n);
        if (done == size) return {done, Error()};
      } else if (n == 0) {
        return {done, Error()};  // the end of the file
      } else if (n == -EAGAIN && to.pd_) {
        if (Error err = to.wait(poll_mode::write)) return {done, err};
      } else if (n != -EINTR) {
        const bool cannot =
            n == -ENOSYS || n == -EOPNOTSUPP || n == -EINVAL;  // ENOTSUP is EOPNOTSUPP on Linux
        return {done, Error::from_errno("sendfile", static_cast<int>(-n)), !cannot || done > 0};
      }
    }
  }
};

bulk_result send_file(poll_fd& to, poll_fd& from, uint64_t size, uint64_t chunk_max) {
  return file_sender::send(to, from, size, chunk_max);
}

}  // namespace netpoll

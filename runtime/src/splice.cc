// SPDX-License-Identifier: MIT
// The pipe lives for one transfer: two more system calls and a close for each, against a pool of
// pipes that would have to belong to some runtime. It is emptied before it is filled again, so
// EAGAIN while filling is about the source, never about the pipe.
#include <algorithm>

#include "src/bulk.h"
#include "src/fatal.h"
#include "src/fd_use.h"
#include "src/sigpipe_guard.h"

namespace netpoll {

namespace {

constexpr uint64_t pipe_size = 1 << 20;

class splice_pipe {
 public:
  ~splice_pipe() {
    for (int fd : fds_) {
      if (fd >= 0) sys_close(fd);
    }
  }
  Error open() {
    const int r = sys_pipe(fds_);
    if (r < 0) return Error::from_errno("pipe2", -r);
    (void)sys_set_pipe_size(fds_[1], pipe_size);  // refused beyond a user's limit: a smaller one
    return Error();
  }
  int out() const { return fds_[0]; }
  int in() const { return fds_[1]; }

 private:
  int fds_[2] = {-1, -1};
};

}  // namespace

// Has the access of poll_fd's own functions.
class splicer {
 public:
  // Source to pipe, at most `size` bytes; *moved == 0 without an error: end of stream.
  static Error drain(poll_fd& from, int pipe, uint64_t size, uint64_t* moved) {
    *moved = 0;
    fd_use use(from, fd_use::kind::read);
    if (!use) return from.closing();
    if (Error err = from.prepare_other_read()) return err;
    Error err;
    const ssize_t n = from.retry(poll_mode::read, "splice", &err,
                                 [&] { return sys_splice(from.sysfd_, pipe, size); });
    if (n > 0) *moved = static_cast<uint64_t>(n);
    return err;
  }

  // Pipe to target, all of it.
  static Error pump(poll_fd& to, int pipe, uint64_t size, uint64_t* moved) {
    *moved = 0;
    fd_use use(to, fd_use::kind::write);
    if (!use) return to.closing();
    if (Error err = to.prepare(poll_mode::write)) return err;
    while (*moved < size) {
      Error err;
      const ssize_t n = to.retry(poll_mode::write, "splice", &err, [&] {
        return without_sigpipe([&] { return sys_splice(pipe, to.sysfd_, size - *moved); });
      });
      if (n < 0) return err;
      if (n == 0) fatal("splice: the pipe has less than was put in");
      *moved += static_cast<uint64_t>(n);
    }
    return Error();
  }
};

bulk_result splice(poll_fd& to, poll_fd& from, uint64_t size) {
  splice_pipe pipe;
  // Nothing has moved: let the caller copy by hand.
  if (Error err = pipe.open()) return {0, err, false};
  bulk_result result;
  while (result.n < size) {
    uint64_t in = 0;
    uint64_t out = 0;
    result.err = splicer::drain(from, pipe.in(), std::min(size - result.n, pipe_size), &in);
    if (result.n == 0 && result.err.sys_errno() == EINVAL) result.handled = false;
    if (result.err || in == 0) return result;
    result.err = splicer::pump(to, pipe.out(), in, &out);
    result.n += out;
    if (result.err) return result;
  }
  return result;
}

}  // namespace netpoll

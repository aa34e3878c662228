// SPDX-License-Identifier: MIT
// Calls that need the descriptor to stay open and no more: they hold a reference, not a lock, and
// look at no deadline. Except raw_read and raw_write, which are reads and writes by the caller.
#include "src/fd_use.h"
#include "src/sigpipe_guard.h"

namespace netpoll {

Error poll_fd::raw_read(const std::function<bool(int)>& f) {
  fd_use use(*this, fd_use::kind::read);
  if (!use) return closing();
  Error err = prepare_other_read();
  while (!err && !f(sysfd_)) err = pd_ ? wait(poll_mode::read) : Error(Errc::cannot_wait);
  return err;
}

Error poll_fd::raw_write(const std::function<bool(int)>& f) {
  fd_use use(*this, fd_use::kind::write);
  if (!use) return closing();
  Error err = prepare(poll_mode::write);
  while (!err && !f(sysfd_)) err = pd_ ? wait(poll_mode::write) : Error(Errc::cannot_wait);
  return err;
}

IoResult poll_fd::pread(void* buf, size_t len, int64_t offset) {
  fd_use use(*this, fd_use::kind::reference);
  if (!use) return {0, closing()};
  len = chunk(len);
  ssize_t n;
  do {
    n = sys_pread(sysfd_, buf, len, offset);
  } while (n == -EINTR);
  if (n < 0) return {0, Error::from_errno("pread", static_cast<int>(-n))};
  if (n == 0 && len > 0) return {0, Error(Errc::eof)};
  return {static_cast<size_t>(n), Error()};
}

IoResult poll_fd::pwrite(const void* buf, size_t len, int64_t offset) {
  fd_use use(*this, fd_use::kind::reference);
  if (!use) return {0, closing()};
  const char* p = static_cast<const char*>(buf);
  size_t done = 0;
  for (;;) {
    const ssize_t n = without_sigpipe([&] {
      return sys_pwrite(sysfd_, p + done, chunk(len - done), offset + static_cast<int64_t>(done));
    });
    if (n == -EINTR) continue;
    if (n > 0) done += static_cast<size_t>(n);
    if (done == len) return {done, Error()};
    if (n < 0) return {done, Error::from_errno("pwrite", static_cast<int>(-n))};
    if (n == 0) return {done, Error(Errc::unexpected_eof)};
  }
}

Error poll_fd::raw_control(const std::function<void(int)>& f) {
  fd_use use(*this, fd_use::kind::reference);
  if (!use) return closing();
  f(sysfd_);
  return Error();
}

Error poll_fd::dup(int* sysfd) {
  fd_use use(*this, fd_use::kind::reference);
  if (!use) return closing();
  const int r = sys_dup(sysfd_);
  if (r < 0) return Error::from_errno("fcntl", -r);
  *sysfd = r;
  return Error();
}

Error poll_fd::shutdown(int how) {
  fd_use use(*this, fd_use::kind::reference);
  if (!use) return closing();
  const int r = sys_shutdown(sysfd_, how);
  return r < 0 ? Error::from_errno("shutdown", -r) : Error();
}

// Only a reference: the read lock would wait for a read that nothing ends.
Error poll_fd::set_blocking() {
  fd_use use(*this, fd_use::kind::reference);
  if (!use) return closing();
  is_blocking_.store(true);
  const int r = sys_set_nonblocking(sysfd_, false);
  return r < 0 ? Error::from_errno("fcntl", -r) : Error();
}

Error poll_fd::set_option(int level, int name, int value) {
  return set_option(level, name, &value, sizeof value);
}

Error poll_fd::set_option(int level, int name, const void* value, uint32_t len) {
  fd_use use(*this, fd_use::kind::reference);
  if (!use) return closing();
  const int r = sys_setsockopt(sysfd_, level, name, value, len);
  return r < 0 ? Error::from_errno("setsockopt", -r) : Error();
}

}  // namespace netpoll

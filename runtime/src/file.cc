// SPDX-License-Identifier: MIT
#include "netpoll/file.h"

#include <sys/socket.h>

#include "src/net_fd.h"
#include "src/scheduler.h"

namespace netpoll {

Result<File> File::adopt(int fd, std::string_view name) {
  scheduler& s = scheduler::current("File::adopt called outside a goroutine");
  auto file = std::make_shared<net_fd>(s, fd, fd_type::file, AF_UNSPEC, std::string(name));
  // What epoll refuses is a blocking descriptor from here on (EPERM: regular files, directories).
  if (const Error err = file->pfd.init(); !err) {
    const int r = sys_set_nonblocking(fd, true);
    if (r < 0) return {{}, file->op_error(Error::from_errno("fcntl", -r), "open")};
  } else if (err.sys_errno() != EPERM) {
    return {{}, file->op_error(err, "open")};
  }
  return {File(std::move(file)), Error()};
}

IoResult File::pread(void* buf, size_t len, int64_t offset) {
  if (!fd_) return {0, no_handle()};
  const IoResult r = fd_->pfd.pread(buf, len, offset);
  return {r.n, fd_->op_error(r.err, "read")};
}

IoResult File::pwrite(const void* buf, size_t len, int64_t offset) {
  if (!fd_) return {0, no_handle()};
  const IoResult r = fd_->pfd.pwrite(buf, len, offset);
  return {r.n, fd_->op_error(r.err, "write")};
}

Error File::set_blocking() {
  return fd_ ? fd_->op_error(fd_->pfd.set_blocking(), "set") : no_handle();
}

}  // namespace netpoll

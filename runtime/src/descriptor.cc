// SPDX-License-Identifier: MIT
// Descriptor: errors get their operation and addresses here.
#include "netpoll/descriptor.h"

#include "src/net_fd.h"

namespace netpoll {

IoResult Descriptor::read(void* buf, size_t len) {
  if (!fd_) return {0, no_handle()};
  IoResult r = fd_->pfd.read(buf, len);
  if (r.err) r.err = fd_->op_error(r.err, "read");
  return r;
}

IoResult Descriptor::readv(std::span<const iovec> buffers) {
  if (!fd_) return {0, no_handle()};
  IoResult r = fd_->pfd.readv(buffers);
  if (r.err) r.err = fd_->op_error(r.err, "readv");
  return r;
}

IoResult Descriptor::write(const void* buf, size_t len) {
  if (!fd_) return {0, no_handle()};
  IoResult r = fd_->pfd.write(buf, len);
  if (r.err) r.err = fd_->op_error(r.err, "write");
  return r;
}

IoResult Descriptor::writev(std::span<iovec>& buffers) {
  if (!fd_) return {0, no_handle()};
  IoResult r = fd_->pfd.writev(buffers);
  if (r.err) r.err = fd_->op_error(r.err, "writev");
  return r;
}

Error Descriptor::close() { return fd_ ? fd_->op_error(fd_->close(), "close") : no_handle(); }

namespace {

Error set_one(net_fd* fd, Deadline t, poll_modes modes) {
  return fd ? fd->local_error(fd->pfd.set_deadline(t, modes), "set") : no_handle();
}

}  // namespace

Error Descriptor::set_deadline(Deadline t) { return set_one(fd_.get(), t, poll_modes::both); }
Error Descriptor::set_read_deadline(Deadline t) { return set_one(fd_.get(), t, poll_modes::read); }
Error Descriptor::set_write_deadline(Deadline t) {
  return set_one(fd_.get(), t, poll_modes::write);
}

Error Descriptor::raw_read(const std::function<bool(int)>& f) {
  return fd_ ? fd_->op_error(fd_->pfd.raw_read(f), "raw-read") : no_handle();
}

Error Descriptor::raw_write(const std::function<bool(int)>& f) {
  return fd_ ? fd_->op_error(fd_->pfd.raw_write(f), "raw-write") : no_handle();
}

Error Descriptor::raw_control(const std::function<void(int)>& f) {
  return fd_ ? fd_->local_error(fd_->pfd.raw_control(f), "raw-control") : no_handle();
}

Result<int> Descriptor::dup() {
  if (!fd_) return {-1, no_handle()};
  int copy = -1;
  const Error err = fd_->op_error(fd_->pfd.dup(&copy), "file");
  return {copy, err};
}

}  // namespace netpoll

// SPDX-License-Identifier: MIT
// Scattered and gathered transfers.
#include <sys/socket.h>

#include <algorithm>
#include <climits>

#include "src/consume.h"
#include "src/fatal.h"
#include "src/fd_use.h"
#include "src/sigpipe_guard.h"

namespace netpoll {

namespace {

size_t total(std::span<const iovec> v) {
  size_t n = 0;
  for (const iovec& part : v) n += part.iov_len;
  return n;
}

// writev(2) has no flags, so a socket takes the same through sendmsg, without SIGPIPE.
ssize_t write_vector(int fd, bool is_socket, std::span<iovec> v) {
  if (!is_socket) {
    return without_sigpipe([&] { return sys_writev(fd, v.data(), static_cast<int>(v.size())); });
  }
  msghdr message{};
  message.msg_iov = v.data();
  message.msg_iovlen = v.size();
  return sys_sendmsg(fd, &message);
}

}  // namespace

void consume(std::span<iovec>& v, size_t n) {
  while (!v.empty() && v[0].iov_len <= n) {
    n -= v[0].iov_len;
    v[0] = {};
    v = v.subspan(1);
  }
  if (v.empty()) return;
  v[0].iov_base = static_cast<char*>(v[0].iov_base) + n;
  v[0].iov_len -= n;
}

IoResult poll_fd::readv(std::span<const iovec> v) {
  fd_use use(*this, fd_use::kind::read);
  if (!use) return {0, closing()};
  if (total(v) == 0) return {};
  if (Error err = prepare_other_read()) return {0, err};
  Error err;
  const int count = static_cast<int>(std::min<size_t>(v.size(), IOV_MAX));
  const ssize_t n =
      retry(poll_mode::read, "readv", &err, [&] { return sys_readv(sysfd_, v.data(), count); });
  if (n < 0) return {0, err};
  if (n == 0 && zero_read_is_eof()) return {0, Error(Errc::eof)};
  return {static_cast<size_t>(n), Error()};
}

IoResult poll_fd::writev(std::span<iovec>& v) {
  fd_use use(*this, fd_use::kind::write);
  if (!use) return {0, closing()};
  if (Error err = prepare(poll_mode::write)) return {0, err};
  size_t done = 0;
  for (;;) {
    consume(v, 0);  // empty parts in front
    if (v.empty()) return {done, Error()};
    // A part beyond the limit is cut for this call, and ends it.
    size_t count = 0;
    size_t asked = 0;
    iovec* cut = nullptr;
    size_t whole = 0;
    while (count < v.size() && count < IOV_MAX && !cut) {
      iovec& part = v[count++];
      if (chunk(part.iov_len) < part.iov_len) {
        cut = &part;
        whole = part.iov_len;
        part.iov_len = chunk(whole);
      }
      asked += part.iov_len;
    }
    Error err;
    const ssize_t n = retry(poll_mode::write, "writev", &err,
                            [&] { return write_vector(sysfd_, is_socket(), v.first(count)); });
    if (cut) cut->iov_len = whole;
    if (n < 0) return {done, err};
    if (n == 0) return {done, Error(Errc::unexpected_eof)};
    if (static_cast<size_t>(n) > asked) fatal("invalid return from writev", n);
    done += static_cast<size_t>(n);
    consume(v, static_cast<size_t>(n));
  }
}

}  // namespace netpoll

// SPDX-License-Identifier: MIT
// Datagrams, and whatever else has an address or control messages. A datagram is taken or sent
// whole: what does not fit the reader's buffer is lost.
#include <sys/socket.h>

#include "src/fd_use.h"
#include "src/socket_address.h"

namespace netpoll {

namespace {

msghdr message_of(std::span<const iovec> v, const void* oob, size_t oob_len) {
  msghdr m{};
  m.msg_iov = const_cast<iovec*>(v.data());
  m.msg_iovlen = v.size();
  m.msg_control = oob_len > 0 ? const_cast<void*>(oob) : nullptr;
  m.msg_controllen = oob_len;
  return m;
}

}  // namespace

IoResult poll_fd::read_from(void* buf, size_t len, socket_address* from) {
  fd_use use(*this, fd_use::kind::read);
  if (!use) return {0, closing()};
  if (Error err = prepare_other_read()) return {0, err};
  Error err;
  const ssize_t n = retry(poll_mode::read, "recvfrom", &err, [&] {
    from->len = sizeof(sockaddr_un);
    return sys_recvfrom(sysfd_, buf, len, &from->any, &from->len);
  });
  if (n < 0) return {0, err};
  if (n == 0 && zero_read_is_eof()) return {0, Error(Errc::eof)};
  return {static_cast<size_t>(n), Error()};
}

Error poll_fd::read_msg(std::span<const iovec> v, void* oob, size_t oob_len, int flags,
                        socket_address* from, message_sizes* sizes) {
  fd_use use(*this, fd_use::kind::read);
  if (!use) return closing();
  if (Error err = prepare_other_read()) return err;
  msghdr m = message_of(v, oob, oob_len);
  m.msg_name = &from->any;
  Error err;
  const ssize_t n = retry(poll_mode::read, "recvmsg", &err, [&] {
    m.msg_namelen = sizeof(sockaddr_un);
    m.msg_controllen = oob_len;
    // Or descriptors received would leak into programs that others start.
    return sys_recvmsg(sysfd_, &m, flags | MSG_CMSG_CLOEXEC);
  });
  if (n < 0) return err;
  from->len = m.msg_namelen;
  *sizes = {static_cast<size_t>(n), m.msg_controllen, m.msg_flags};
  size_t room = 0;
  for (const iovec& part : v) room += part.iov_len;
  if (n == 0 && room > 0 && m.msg_controllen == 0 && zero_read_is_eof()) return Error(Errc::eof);
  return Error();
}

IoResult poll_fd::write_to(const void* buf, size_t len, const socket_address& to) {
  fd_use use(*this, fd_use::kind::write);
  if (!use) return {0, closing()};
  if (Error err = prepare(poll_mode::write)) return {0, err};
  Error err;
  const ssize_t n = retry(poll_mode::write, "sendto", &err,
                          [&] { return sys_sendto(sysfd_, buf, len, &to.any, to.len); });
  if (n < 0) return {0, err};
  return {len, Error()};
}

IoResult poll_fd::write_msg(std::span<const iovec> v, const void* oob, size_t oob_len,
                            const socket_address* to) {
  fd_use use(*this, fd_use::kind::write);
  if (!use) return {0, closing()};
  if (Error err = prepare(poll_mode::write)) return {0, err};
  msghdr m = message_of(v, oob, oob_len);
  if (to) {
    m.msg_name = const_cast<sockaddr*>(&to->any);
    m.msg_namelen = to->len;
  }
  Error err;
  const ssize_t n =
      retry(poll_mode::write, "sendmsg", &err, [&] { return sys_sendmsg(sysfd_, &m); });
  if (n < 0) return {0, err};
  return {static_cast<size_t>(n), Error()};
}

}  // namespace netpoll

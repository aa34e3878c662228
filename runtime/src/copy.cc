// SPDX-License-Identifier: MIT
#include "netpoll/copy.h"

#include <algorithm>
#include <memory>

#include "src/bulk.h"
#include "src/net_fd.h"

namespace netpoll {

namespace {

constexpr size_t buffer_size = 32 * 1024;

CopyResult copy_by_hand(Descriptor& to, Descriptor& from, uint64_t limit) {
  const auto buf = std::make_unique<char[]>(buffer_size);
  CopyResult result;
  while (result.n < limit) {
    const IoResult in = from.read(
        buf.get(), static_cast<size_t>(std::min<uint64_t>(limit - result.n, buffer_size)));
    if (in.err.code() == Errc::eof) break;
    if (in.err) {
      result.err = in.err;
      break;
    }
    const IoResult out = to.write(buf.get(), in.n);
    result.n += out.n;
    if (out.err) {
      result.err = out.err;
      break;
    }
  }
  return result;
}

CopyResult finish(const bulk_result& r, const net_fd& to) {
  return {r.n, to.op_error(r.err, "readfrom")};
}

}  // namespace

CopyResult copy(Conn to, Conn from, uint64_t limit) {
  if (!to.valid() || !from.valid()) return {0, no_handle()};
  if (limit == 0) return {};
  poll_fd& t = to.impl()->pfd;
  poll_fd& f = from.impl()->pfd;
  // Datagrams would lose their limits in the pipe.
  if (t.type() == fd_type::stream && f.type() == fd_type::stream) {
    const bulk_result r = splice(t, f, limit);
    if (r.handled) return finish(r, *to.impl());
  }
  return copy_by_hand(to, from, limit);
}

CopyResult copy(Conn to, File from, uint64_t limit) {
  if (!to.valid() || !from.valid()) return {0, no_handle()};
  if (limit == 0) return {};
  if (to.impl()->pfd.type() == fd_type::stream) {
    const bulk_result r =
        send_file(to.impl()->pfd, from.impl()->pfd, limit == kCopyAll ? 0 : limit);
    if (r.handled) return finish(r, *to.impl());
  }
  return copy_by_hand(to, from, limit);
}

}  // namespace netpoll

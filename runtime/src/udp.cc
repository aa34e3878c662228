// SPDX-License-Identifier: MIT
#include "netpoll/udp.h"

#include "src/make_handle.h"

namespace netpoll {

Result<UdpConn> UdpConn::adopt(int fd) { return adopt_handle<UdpConn>(fd, {net_udp}, false); }

Result<UdpConn> listen_udp(const Address& at, const ListenConfig& config) {
  return listen_handle<UdpConn>(net_udp, at, config);
}

Result<UdpConn> dial_udp(const Address& to, const DialOptions& options) {
  return dial_handle<UdpConn>(net_udp, to, options);
}

}  // namespace netpoll

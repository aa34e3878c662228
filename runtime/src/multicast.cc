// SPDX-License-Identifier: MIT
// Groups of UDP. IPv4 and IPv6 have the same options under other names, with values of other forms.
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "netpoll/udp.h"
#include "src/make_handle.h"
#include "src/socket_address.h"

namespace netpoll {

namespace {

Error membership(net_fd& fd, const Address& group, uint32_t interface, bool join) {
  if (group.family() == Address::Family::ipv4) {
    ip_mreqn request{};
    request.imr_multiaddr.s_addr = htonl(group.ipv4().address_host_order);
    request.imr_ifindex = static_cast<int>(interface);
    return fd.pfd.set_option(IPPROTO_IP, join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &request,
                             sizeof request);
  }
  if (group.family() != Address::Family::ipv6) return Error(Errc::address_type);
  ipv6_mreq request{};
  std::memcpy(&request.ipv6mr_multiaddr, group.ipv6().address.data(),
              sizeof request.ipv6mr_multiaddr);
  request.ipv6mr_interface = interface != 0 ? interface : group.ipv6().scope_id;
  return fd.pfd.set_option(IPPROTO_IPV6, join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &request,
                           sizeof request);
}

Error send_by(net_fd& fd, uint32_t interface) {
  if (fd.family == AF_INET6) {
    return fd.pfd.set_option(IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(interface));
  }
  ip_mreqn request{};
  request.imr_ifindex = static_cast<int>(interface);
  return fd.pfd.set_option(IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request);
}

// An option that is an int in both.
Error set_both(net_fd& fd, int name4, int name6, int value) {
  return fd.family == AF_INET6 ? fd.pfd.set_option(IPPROTO_IPV6, name6, value)
                               : fd.pfd.set_option(IPPROTO_IP, name4, value);
}

Error set_loopback(net_fd& fd, bool on) {
  return set_both(fd, IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP, on ? 1 : 0);
}

// Go's listenIPv4MulticastUDP and listenIPv6MulticastUDP.
Error become_member(net_fd& fd, const Address& group, uint32_t interface) {
  if (interface != 0) {
    if (Error err = send_by(fd, interface)) return err;
  }
  if (Error err = set_loopback(fd, false)) return err;
  return membership(fd, group, interface, true);
}

}  // namespace

Error UdpConn::join_group(const Address& group, uint32_t interface) {
  return fd_ ? fd_->local_error(membership(*fd_, group, interface, true), "set") : no_handle();
}

Error UdpConn::leave_group(const Address& group, uint32_t interface) {
  return fd_ ? fd_->local_error(membership(*fd_, group, interface, false), "set") : no_handle();
}

Error UdpConn::set_multicast_interface(uint32_t interface) {
  return fd_ ? fd_->local_error(send_by(*fd_, interface), "set") : no_handle();
}

Error UdpConn::set_multicast_loopback(bool on) {
  return fd_ ? fd_->local_error(set_loopback(*fd_, on), "set") : no_handle();
}

Error UdpConn::set_multicast_hops(int hops) {
  if (!fd_) return no_handle();
  return fd_->local_error(set_both(*fd_, IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS, hops), "set");
}

Result<UdpConn> listen_multicast_udp(const Address& group, uint32_t interface,
                                     const ListenConfig& config) {
  scheduler& s = scheduler::current("listen called outside a goroutine");
  Address at = Ipv4Endpoint::any(group.port());
  if (group.family() == Address::Family::ipv6) at = Ipv6Endpoint::any(group.port());
  ListenConfig shared = config;
  shared.control = [&](std::string_view network, const Address& address, int fd) {
    const int on = 1;
    const int r = sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (r < 0) return Error::from_errno("setsockopt", -r);
    return config.control ? config.control(network, address, fd) : Error();
  };
  std::shared_ptr<net_fd> fd;
  Error err = listen_socket(s, net_udp, at, shared, &fd);
  if (!err) err = become_member(*fd, group, interface);
  if (err) return {{}, address_error(err, "listen", net_udp, {}, group)};
  return {UdpConn(std::move(fd)), Error()};
}

}  // namespace netpoll

// SPDX-License-Identifier: MIT
//
// A UDP socket has two independent halves: an association with a peer (connected), which says whom
// write() means and who is heard, and a port. What moves between:
//   no port -> port            bind, connect, or the first send (inet_autobind)
//   not connected <-> connected  connect; connect(AF_UNSPEC), which also gives back an address and
//   a
//                              port that bind() did not ask for by number
// A pending error is taken by whatever looks first: send, receive or SO_ERROR.
#include "kernel/udp.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "kernel/fault_points.h"
#include "kernel/host.h"
#include "kernel/interfaces.h"
#include "kernel/links.h"
#include "kernel/pools.h"
#include "kernel/state.h"
#include "trace/recorder.h"

namespace pollux::kernel {
namespace {

constexpr uint32_t kDefaultBuffer = 212992;  // net.core.rmem_default, wmem_default
constexpr size_t kPayloadMax = 65507;        // 65535 less the headers of IP and UDP
constexpr uint32_t kBroadcast = 0xFFFFFFFF;

// skb->truesize of a datagram that came through the loopback device, as Linux 6.18 makes it: the
// sk_buff and its data area, with headers in front and skb_shared_info behind.
uint32_t cost_of(size_t size) {
  constexpr size_t kSkBuff = 256, kHeaders = 60, kSharedInfo = 320, kSmallHead = 576;
  constexpr size_t kLinearMax = 65536, kPage = 4096;
  size_t wanted = size + kHeaders + kSharedInfo;
  if (wanted <= kSmallHead) return kSkBuff + kSmallHead;
  if (wanted > kLinearMax) return kSkBuff + kLinearMax + kPage;
  size_t area = 1024;
  while (area < wanted) area *= 2;
  return static_cast<uint32_t>(kSkBuff + area);
}

// An address as the argument of an entry of the timeline.
uint64_t packed(Address address) {
  return uint64_t{address.ip} << 32 | uint64_t{address.six} << 16 | address.port;
}

void note(const char* what, const Datagram* datagram) {
  if (__builtin_expect(!trace::recorder.text, 1)) return;
  trace::line(trace::What::packet, "%s %s -> %s, %zu bytes", what,
              to_string(datagram->from).c_str(), to_string(datagram->to).c_str(), datagram->size);
}

}  // namespace

UdpSocket* UdpSocket::create(unsigned host_number, bool six) {
  UdpSocket* socket = pools.udp_sockets.take();
  socket->begin_socket(host_number, kDefaultBuffer, kDefaultBuffer);
  socket->begin_inet(six);
  socket->connected = false;
  socket->next_of_port = nullptr;
  socket->link_of_port = nullptr;
  socket->queue_ = {};
  socket->address_locked_ = socket->port_locked_ = false;
  socket->last_arrival_ = 0;
  socket->groups.clear();
  return socket;
}

void UdpSocket::release() {
  leave_port();
  ++generation;  // an error that is on its way no longer finds us
  while (!queue_.empty()) pools.datagrams.give(queue_.pop());
  pools.udp_sockets.give(this);
}

std::string UdpSocket::describe() {
  std::string text = "udp " + to_string(local);
  if (connected) text += " -> " + to_string(remote);
  if (!queue_.empty()) text += ", " + std::to_string(queue_.count()) + " datagrams unread";
  if (error != 0) text += std::string(", error ") + strerrorname_np(error);
  return text;
}

uint32_t UdpSocket::poll() {                             // datagram_poll
  uint32_t mask = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;  // nothing stays in the send buffer
  if (error != 0) mask |= EPOLLERR;
  if (shut_read) mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
  if (shut_read && shut_write) mask |= EPOLLHUP;
  if (!queue_.empty()) mask |= EPOLLIN | EPOLLRDNORM;
  return mask;
}

// --- Receiving

// ipv4_pktinfo_prepare: the address that the packet has, and our own that an answer to it would
// come from (fib_compute_spec_dst).
void UdpSocket::describe_packet(const Datagram& datagram, Envelope* envelope) const {
  uint32_t own = datagram.to.ip;
  if (is_multicast(own)) own = datagram.from.is_loopback() ? kLoopback : address_of_host(host);
  envelope->has_packet_info = true;
  envelope->packet_info = {datagram.interface, {htonl(own)}, {htonl(datagram.to.ip)}};
}

long UdpSocket::receive(const Buffers& buffers, size_t limit, int flags, Envelope* envelope) {
  if (error != 0) return -take_error();  // __skb_recv_udp: before the queue
  if (queue_.empty()) return -EAGAIN;
  Datagram* datagram = queue_.first();
  size_t size = std::min(datagram->size, limit);
  long result = static_cast<long>((flags & MSG_TRUNC) != 0 ? datagram->size : size);
  if (buffers.faulty() && size != 0) {
    result = -EFAULT;  // and the datagram is gone all the same
  } else {
    buffers.copy_from(0, datagram->bytes.get(), size);
    if (envelope != nullptr) {
      envelope->name = name_of(datagram->from);
      if (size < datagram->size) envelope->flags |= MSG_TRUNC;
      if (ip.packet_info && !datagram->to.six) describe_packet(*datagram, envelope);
    }
  }
  if ((flags & MSG_PEEK) == 0) pools.datagrams.give(queue_.pop());
  return result;
}

// --- Sending

long UdpSocket::transmit(const Buffers& buffers, size_t limit, int, const Envelope* envelope) {
  if (long problem = local.port == 0 ? take_port(local) : 0; problem != 0) return -EAGAIN;
  if (limit > 0xFFFF) return -EMSGSIZE;  // udp_sendmsg, and its order from here
  Address to = remote;
  if (envelope != nullptr && envelope->name.length != 0) {
    SocketName name = envelope->name;
    if (!inet6 && name.address.ss_family == AF_UNSPEC) name.address.ss_family = AF_INET;
    if (long problem = target(name, ENETUNREACH, &to); problem != 0) return problem;
    if (to.port == 0) return -EINVAL;
  } else if (!connected) {
    return -EDESTADDRREQ;
  }
  if (!to.six && to.ip == kBroadcast) {
    if (!broadcast) return -EACCES;
    unmodelled("a datagram to 255.255.255.255");
  }
  bool to_group = !to.six && is_multicast(to.ip);
  long number = to_group ? host : route(to);
  if (number < 0) return number;
  if (error != 0) return -take_error();  // sock_alloc_send_skb
  if (shut_write) return -EPIPE;
  if (limit > kPayloadMax) return -EMSGSIZE;
  if (buffers.faulty() && limit != 0) return -EFAULT;
  if (to_group) {
    send_to_group(buffers, limit, to);
  } else {
    // What is for oneself comes back by lo, whatever its address.
    int interface = static_cast<unsigned>(number) == host ? kLo : kEth0;
    send(buffers, limit, to, static_cast<unsigned>(number), interface);
  }
  // The loopback device takes the buffer off the socket's account at once: each datagram is a
  // write edge (sock_wfree, sock_def_write_space).
  wake(EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
  return static_cast<long>(limit);
}

// ip_mc_output: over eth0 to all hosts of the network and, if so wished, back to our own; over lo
// to our own anyway. Who has not joined does not take it.
void UdpSocket::send_to_group(const Buffers& buffers, size_t size, Address to) {
  int interface = ip.multicast_interface != 0 ? ip.multicast_interface : kEth0;
  if (interface == kLo || ip.multicast_loop) send(buffers, size, to, host, interface);
  if (interface == kLo || ip.multicast_ttl == 0) return;
  for (unsigned other = 0; other < kHosts; ++other) {
    if (other != host && host_used(other)) send(buffers, size, to, other, interface);
  }
}

void UdpSocket::send(const Buffers& buffers, size_t size, Address to, unsigned to_host,
                     int interface) {
  Address from{source_ip(to), local.port, to.six};
  auto make = [&] {
    Datagram* datagram = pools.datagrams.take();
    datagram->fill(buffers, size);
    datagram->cost = cost_of(size);
    datagram->from = from;
    datagram->to = to;
    datagram->sender = this;
    datagram->sender_generation = generation;
    datagram->from_host = host;
    datagram->host = static_cast<uint8_t>(to_host);
    datagram->interface = static_cast<uint8_t>(interface);
    return datagram;
  };
  // A socket may have peers near and far: where links differ each of them has its own order.
  Time& last_arrival = links.shaped() ? links.last_datagram(host, to_host) : last_arrival_;
  if (fault(faults::k_posix_io_net_udp_loss)) return;
  if (fault(faults::k_posix_io_net_udp_reorder) || links.overtakes(host, to_host)) {
    // On a slower way, where what is sent later does not wait for it.
    Time sent = links.shaped() ? links.send(host, to_host, size) : now();
    if (sent == kNever) return;
    Time slow = std::max(sent, last_arrival) + 2 * links.longest_latency(host, to_host);
    state.timeline->add(slow, arrives, make());
    return;
  }
  unsigned copies =
      fault(faults::k_posix_io_net_udp_duplicate) || links.doubles(host, to_host) ? 2 : 1;
  for (unsigned i = 0; i < copies; ++i) {
    Time when = links.send(host, to_host, size);
    if (when == kNever) continue;
    last_arrival = std::max(when, last_arrival);
    state.timeline->add(last_arrival, arrives, make());
  }
}

void UdpSocket::arrives(void* object, uint64_t, uint64_t) {
  auto* datagram = static_cast<Datagram*>(object);
  if (!links.open(datagram->from_host, datagram->host)) {
    note("lost on the way: datagram", datagram);
    pools.datagrams.give(datagram);
    return;
  }
  if (!datagram->to.six && is_multicast(datagram->to.ip)) {
    note("datagram", datagram);
    kernel::host(datagram->host).udp_ports.deliver_to_group(datagram);
    return;
  }
  UdpSocket* receiver = kernel::host(datagram->host).udp_ports.find(datagram->from, datagram->to);
  if (receiver == nullptr) {
    note("no port for datagram", datagram);
    UdpSocket* sender = datagram->sender;
    if (sender->generation == datagram->sender_generation && sender->connected &&
        sender->remote == datagram->to) {
      Time when = links.send_notice(datagram->host, datagram->from_host);
      if (when != kNever) {
        state.timeline->add(when, unreachable, sender, sender->generation, packed(datagram->to));
      }
    }
    pools.datagrams.give(datagram);
    return;
  }
  note("datagram", datagram);
  receiver->enqueue(datagram);
}

// __udp_enqueue_schedule_skb: the first one always fits.
void UdpSocket::enqueue(Datagram* datagram) {
  if (!queue_.empty() && queue_.cost() + datagram->cost > receive_buffer) {
    note("no room for datagram", datagram);
    pools.datagrams.give(datagram);
    return;
  }
  queue_.push(datagram);
  wake(EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND);
}

bool UdpSocket::hears_group(const Datagram& datagram) const {
  if (connected && remote != datagram.from) return false;
  if (local.six ? inet6_only : local.ip != 0 && local.ip != datagram.to.ip) return false;
  if (groups.has(datagram.to.ip, datagram.interface)) return true;
  return ip.multicast_all && !groups.has(datagram.to.ip);
}

// ICMP "port unreachable" came back (__udp4_lib_err).
void UdpSocket::unreachable(void* object, uint64_t generation, uint64_t to) {
  auto* sender = static_cast<UdpSocket*>(object);
  if (sender->generation != generation || !sender->connected) return;
  if (packed(sender->remote) != to) return;  // connected to another one meanwhile
  sender->error = ECONNREFUSED;
  sender->wake(EPOLLERR);
}

// --- bind, connect, shutdown

long UdpSocket::take_port(Address address) {
  UdpPorts& ports = kernel::host(host).udp_ports;
  Address before = local;
  local = address;
  if (local.port == 0) {
    local.port = ports.ephemeral(port_range);
  } else if (ports.conflicts(this)) {
    local.port = 0;
  }
  if (local.port == 0) {
    local = before;
    return -EADDRINUSE;
  }
  ports.add(this);
  return 0;
}

void UdpSocket::leave_port() {
  if (link_of_port != nullptr) UdpPorts::remove(this);
}

long UdpSocket::bind(const SocketName& name) {  // inet_bind
  Address address;
  if (long problem = bind_address(name, &address); problem != 0) return problem;
  if (connected || local.port != 0) return -EINVAL;
  if (long problem = take_port(address); problem != 0) return problem;
  address_locked_ = address.ip != 0;
  port_locked_ = address.port != 0;
  return 0;
}

void UdpSocket::disconnect() {  // __udp_disconnect
  connected = false;
  remote = nowhere();
  if (!address_locked_) local = {0, local.port, inet6};
  if (!port_locked_) {
    leave_port();
    local.port = 0;
  }
}

long UdpSocket::connect(const SocketName& name) {  // inet_dgram_connect, __ip4_datagram_connect
  if (name.length < sizeof(sa_family_t)) return -EINVAL;
  if (name.address.ss_family == AF_UNSPEC) {
    disconnect();
    return 0;
  }
  if (local.port == 0 && take_port(local) != 0) return -EAGAIN;
  Address to;
  if (long problem = target(name, EAFNOSUPPORT, &to); problem != 0) return problem;
  if (long problem = route(to); problem < 0) return problem;
  remote = to;
  connected = true;
  local = {source_ip(to), local.port, to.six};
  return 0;
}

long UdpSocket::shutdown(int how) {  // inet_shutdown
  if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
  shut_read |= how != SHUT_WR;
  shut_write |= how != SHUT_RD;
  wake(0);  // also of one that is not connected
  return connected ? 0 : -ENOTCONN;
}

}  // namespace pollux::kernel

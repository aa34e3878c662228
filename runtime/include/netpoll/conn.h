// SPDX-License-Identifier: MIT
// What all sockets have in common. Use them as TcpConn, UdpConn, UnixConn and their listeners.
#pragma once

#include <string_view>

#include "netpoll/descriptor.h"

namespace netpoll {

// One datagram (or what recvfrom brought on a stream), and where it came from: none if the sender
// has no address, or on a connected stream.
struct [[nodiscard]] PacketResult {
  size_t n = 0;
  Address from;
  Error err;
};

// What recvmsg(2) brought: n bytes of data, oob_n bytes of control messages, MSG_ flags
// (MSG_TRUNC: the datagram was longer than the buffer).
struct [[nodiscard]] MessageResult {
  size_t n = 0;
  size_t oob_n = 0;
  int flags = 0;
  Address from;
  Error err;
};

// TCP keep-alive. Zero or negative values leave the kernel's own.
struct KeepAliveConfig {
  bool enable = true;
  std::chrono::seconds idle{15};      // before the first probe
  std::chrono::seconds interval{15};  // between probes
  int count = 9;                      // probes without an answer until the connection is dead
};

// Called with the bare socket before bind or connect, for options that are not here. `network` is
// "tcp4", "tcp6", "udp4", "udp6", "unix", "unixgram" or "unixpacket". An error ends the call that
// makes the socket.
using ControlHook = std::function<Error(std::string_view network, const Address& address, int fd)>;

struct ListenConfig {
  int backlog = 0;               // 0: the most that the system allows
  bool reuse_port = false;       // SO_REUSEPORT: several sockets on one port share what arrives
  bool dual_stack = false;       // on the IPv6 any address: take IPv4 too
  KeepAliveConfig keep_alive{};  // for the connections that a TCP listener accepts
  ControlHook control{};
};

class Conn : public Descriptor {
 public:
  // SO_RCVBUF and SO_SNDBUF; the kernel doubles the value (socket(7)).
  Error set_read_buffer(int bytes);
  Error set_write_buffer(int bytes);

  Address local_addr() const;
  Address remote_addr() const;  // none for a socket that is not connected

 protected:
  Conn() = default;
  explicit Conn(std::shared_ptr<net_fd> fd) : Descriptor(std::move(fd)) {}

  // Each kind of connection shows those that make sense for it.
  Error close_read();   // shutdown(SHUT_RD): reads return end of stream
  Error close_write();  // shutdown(SHUT_WR): the peer sees end of stream
  PacketResult read_from(void* buf, size_t len);
  IoResult write_to(const void* buf, size_t len, const Address& to);
  MessageResult read_msg(void* buf, size_t len, void* oob, size_t oob_len, int flags = 0);
  IoResult write_msg(const void* buf, size_t len, const void* oob, size_t oob_len,
                     const Address& to = {});
};

class Listener {
 public:
  Error close();  // as Descriptor::close
  Error set_deadline(Deadline t);
  Error raw_control(const std::function<void(int fd)>& f);
  Result<int> dup();     // as Descriptor::dup
  Address addr() const;  // with the real port
  bool valid() const { return fd_ != nullptr; }
  net_fd* impl() const { return fd_.get(); }

 protected:
  Listener() = default;
  explicit Listener(std::shared_ptr<net_fd> fd) : fd_(std::move(fd)) {}
  std::shared_ptr<net_fd> accept_fd(Error* err);

  std::shared_ptr<net_fd> fd_;
};

}  // namespace netpoll

// SPDX-License-Identifier: MIT
//
// UDP: sockets, their ports, and what travels.
//
// A datagram arrives whole, late, or not at all. What one socket sends arrives in the order in
// which it was sent; the legal faults of posix/io/net/udp lose, double and overtake. A datagram for
// which there is no room is dropped, and nobody learns of it; one for which there is no socket
// comes back as an error, of which only a connected sender learns.
#pragma once

#include <vector>

#include "kernel/inet_address.h"
#include "kernel/packet.h"

namespace pollux::kernel {

class UdpSocket;

struct Datagram : Packet {
  Address from, to;
  uint8_t interface = 0;        // by which it comes in
  UdpSocket* sender = nullptr;  // may have gone: compare its generation
  uint64_t sender_generation = 0;
  uint8_t from_host = 0, host = 0;  // where it comes from, and where it goes
  Datagram* next = nullptr;
};

// The multicast groups that a socket has joined, each on one interface.
class Groups {
 public:
  // False: it has, or has not, already.
  bool add(uint32_t group, int interface);
  bool remove(uint32_t group, int interface);
  bool has(uint32_t group, int interface) const;
  bool has(uint32_t group) const;  // on any interface
  void clear() { joined_.clear(); }

 private:
  struct Membership {
    uint32_t group;
    int interface;
  };
  std::vector<Membership> joined_;
};

class UdpSocket final : public InetSocket {
 public:
  UdpSocket() : InetSocket(Kind::udp) {}
  static UdpSocket* create(unsigned host, bool inet6);

  uint32_t poll() override;
  long read(const Buffers& buffers, size_t limit, int flags) override {
    return receive(buffers, limit, flags, nullptr);
  }
  long write(const Buffers& buffers, size_t limit, int flags) override {
    return transmit(buffers, limit, flags, nullptr);
  }
  long receive(const Buffers&, size_t limit, int flags, Envelope*) override;
  long transmit(const Buffers&, size_t limit, int flags, const Envelope*) override;
  void release() override;
  const char* kind_name() const override { return "udp"; }
  const void* inflow() const override { return &kDatagrams; }
  const void* outflow() const override { return &kDatagrams; }
  std::string describe() override;

  // --- System calls, after the descriptor was looked up and the address copied in.
  long bind(const SocketName&);
  long connect(const SocketName&);  // AF_UNSPEC: dissolves the association
  long shutdown(int how);

  // FIONREAD: the size of the first datagram, not of all.
  size_t first_size() const { return queue_.empty() ? 0 : queue_.first()->size; }

  // Is it for us what comes in by `interface` for a multicast address (ip_mc_sf_allow)?
  bool hears_group(const Datagram&) const;
  void enqueue(Datagram*);  // takes it, or drops it

  bool connected = false;
  Groups groups;

  // Links of the port table.
  UdpSocket* next_of_port = nullptr;
  UdpSocket** link_of_port = nullptr;

 private:
  void describe_packet(const Datagram&, Envelope*) const;
  long take_port(Address);
  void leave_port();
  void disconnect();
  void send(const Buffers&, size_t size, Address to, unsigned host, int interface);
  void send_to_group(const Buffers&, size_t size, Address to);
  static void arrives(void* datagram, uint64_t, uint64_t);
  static void unreachable(void* sender, uint64_t generation, uint64_t to);

  PacketQueue<Datagram> queue_;
  bool address_locked_ = false, port_locked_ = false;  // as bind() fixed them
  int64_t last_arrival_ = 0;
};

// The UDP ports of one host.
class UdpPorts {
 public:
  UdpPorts() = default;
  ~UdpPorts();
  UdpPorts(const UdpPorts&) = delete;
  UdpPorts& operator=(const UdpPorts&) = delete;

  // May the socket use local.port at local.ip (udp_lib_lport_inuse)?
  bool conflicts(const UdpSocket*) const;
  void add(UdpSocket*);
  static void remove(UdpSocket*);
  // 0 when none is left; `range` is that of the socket, if it has one.
  uint16_t ephemeral(uint32_t range);
  // Whom a datagram is for.
  UdpSocket* find(Address from, Address to) const;
  // Gives a datagram for a multicast address to all who want it.
  void deliver_to_group(Datagram*);

  void reset();

 private:
  UdpSocket*& head(uint16_t port);

  UdpSocket** heads_ = nullptr;  // zero pages until touched
  std::vector<uint16_t> touched_;
  uint32_t next_ = 0;
};

}  // namespace pollux::kernel

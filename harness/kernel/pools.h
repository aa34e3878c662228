// SPDX-License-Identifier: MIT
//
// Where the objects of the twin come from.
#pragma once

#include "explore/never_destroyed.h"
#include "kernel/device.h"
#include "kernel/epoll.h"
#include "kernel/eventfd.h"
#include "kernel/pipe.h"
#include "kernel/pool.h"
#include "kernel/signalfd.h"
#include "kernel/tcp.h"
#include "kernel/timerfd.h"
#include "kernel/udp.h"
#include "kernel/unix_packet.h"
#include "kernel/unix_stream.h"

namespace pollux::kernel {

struct Pools {
  Pool<EpollSet> epoll_sets;
  Pool<EpollItem> epoll_items;
  Pool<TcpSocket> tcp_sockets;
  Pool<Stream> streams;
  Pool<UdpSocket> udp_sockets;
  Pool<Datagram> datagrams;
  Pool<EventFd> eventfds;
  Pool<TimerFd> timerfds;
  Pool<SignalFd> signalfds;
  Pool<Pipe> pipes;
  Pool<PipeEnd> pipe_ends;
  Pool<UnixStream> unix_streams;
  Pool<UnixPacketSocket> unix_packet_sockets;
  Pool<UnixMessage> unix_messages;
  Pool<Device> devices;

  void reset();

  // Every file that was taken since reset(), given back or not.
  template <class Visit>
  void visit_files(Visit visit) {
    auto each = [&visit](auto&... pool) { (pool.visit_used(visit), ...); };
    each(epoll_sets, tcp_sockets, udp_sockets, eventfds, timerfds, signalfds, pipe_ends,
         unix_streams, unix_packet_sockets, devices);
  }
};

extern explore::NeverDestroyed<Pools> pools_storage;
static constexpr Pools& pools = pools_storage.value;

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
//
// Unix sockets that keep the ends of messages: datagrams (SOCK_DGRAM) and sequenced packets
// (SOCK_SEQPACKET). Nothing is lost or overtaken; who sends to a full queue waits.
#pragma once

#include "kernel/packet.h"
#include "kernel/unix_socket.h"

namespace pollux::kernel {

class UnixPacketSocket;

struct UnixMessage : Packet {
  SocketName from;
  UnixPacketSocket* sender = nullptr;  // may have gone: compare its generation
  uint64_t sender_generation = 0;
  std::vector<File*> rights;  // a reference to each
  UnixMessage* next = nullptr;
};

class UnixPacketSocket final : public UnixSocket {
 public:
  UnixPacketSocket() : UnixSocket(Kind::unix_packet) {}
  void begin_life(unsigned host, int type);

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
  const void* inflow() const override { return &kDatagrams; }
  const void* outflow() const override { return &kDatagrams; }
  const char* kind_name() const override {
    return type() == SOCK_DGRAM ? "unix datagrams" : "unix packets";
  }
  size_t readable_bytes() const override;

  // What a sequenced-packet socket looks at before the message itself.
  long check_sender();
  // After transmit() said EAGAIN: waits until there may be room, wherever it was missing.
  bool wait_for_room(int64_t deadline);

 private:
  bool drop_queue() override;
  bool queue_full() const;
  long receiver_for(const Envelope*, UnixPacketSocket**);
  static void discard(UnixMessage*);

  PacketQueue<UnixMessage> queue_;
  const void* room_key_ = nullptr;  // what wait_for_room() waits on; null: this socket
};

}  // namespace pollux::kernel

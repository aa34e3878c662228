// SPDX-License-Identifier: MIT
//
// What travels between TCP sockets. Everything sent on one stream arrives in the order in which it
// was sent, each piece with a latency of its own.
#pragma once

#include "kernel/tcp.h"

namespace pollux::kernel {

struct Network {
  // The handshake. The client has its two streams already.
  static void send_syn(TcpSocket* client);
  // The last `size` bytes that were sent on the stream.
  static void send_segment(Stream*, uint64_t size);
  static void send_fin(Stream*);
  static void send_reset(Stream*);
  // Tells the sender of the stream what arrived and how far the window is open.
  static void send_acknowledgement(Stream*);

  // Ends of faults.
  static void schedule_unhide(TcpSocket*);
  static void schedule_unsqueeze(TcpSocket*);
  static void schedule_unhide_queue(TcpSocket*);

 private:
  static void syn_arrives(void* stream, uint64_t generation, uint64_t);
  static void syn_ack_arrives(void* stream, uint64_t generation, uint64_t);
  static void final_ack_arrives(void* stream, uint64_t generation, uint64_t);
  static void segment_arrives(void* stream, uint64_t generation, uint64_t end);
  static void fin_arrives(void* stream, uint64_t generation, uint64_t);
  static void reset_arrives(void* stream, uint64_t generation, uint64_t);
  static void acknowledgement_arrives(void* stream, uint64_t generation, uint64_t);
};

}  // namespace pollux::kernel

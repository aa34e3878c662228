// SPDX-License-Identifier: MIT
//
// What travels between TCP sockets. Everything sent on one stream arrives in the order in which it
// was sent, each piece with a latency of its own, or it is lost and sent again.
#pragma once

#include "explore/timeline.h"
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
  friend class TcpSocket;
  // False: it is lost already. `bytes` are those that a link counts.
  static bool send(Stream*, explore::Timeline::Action, uint64_t bytes = 0, uint64_t argument = 0);
  static bool send_piece(Stream*, uint64_t end, uint64_t bytes);
  static void send_syn_ack(TcpSocket* child);

  static void syn_arrives(void* stream, uint64_t generation, uint64_t);
  static void syn_ack_arrives(void* stream, uint64_t generation, uint64_t);
  static void final_ack_arrives(void* stream, uint64_t generation, uint64_t);
  static void segment_arrives(void* stream, uint64_t generation, uint64_t end_and_flight);
  static void fin_arrives(void* stream, uint64_t generation, uint64_t flight);
  static void reset_arrives(void* stream, uint64_t generation, uint64_t);
  static void acknowledgement_arrives(void* stream, uint64_t generation, uint64_t);

  // --- Lost packets (tcp_recovery.cc).
  // Could what arrives now on the stream have come through?
  static bool reaches(const Stream*);
  // The same for what its receiver answers.
  static bool answer_reaches(const Stream*);
  // Something of the stream, or the answer to it, is lost: its sender will notice.
  static void lost(Stream*);
  static void lost_from(Stream*, uint64_t position);
  // Both ends try again: the SYN has no answer, either.
  static void lost_syn_ack(Stream*);
  // What it answered has no answer, then; who had nothing to be answered never learns of it.
  static void lost_reset(Stream*);
  // What arrives belongs to the current flight, and nothing before it is missing.
  static bool counts(const Stream*, uint64_t position, uint64_t flight);
  // The receiver has something to acknowledge. False: the sender does not learn of it.
  static bool acknowledge(Stream*);
  static void answered(Stream*);
  // Nobody is at the other end: its host says so.
  static void refuse(Stream*);
  static void refusal_arrives(void* stream, uint64_t generation, uint64_t);
  static void retry(void* stream, uint64_t generation, uint64_t);
  static bool out_of_time(const Stream*, int64_t limit);
  static int64_t wait_before_retry(const Stream*);
  static void retry_syn(Stream*);
  static void retry_syn_ack(Stream*);
  static void retry_data(Stream*);
  static void begin_flight(Stream*);
  static void send_missing(Stream*);
  static void go_on(Stream*);
};

}  // namespace pollux::kernel

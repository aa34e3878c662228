// SPDX-License-Identifier: MIT
//
// TCP over IPv4 and IPv6: sockets, the streams between them, and what travels.
//
// A connection is two sockets and two streams, one per direction. A stream holds every byte from
// the moment the sender's write took it until the receiver's read took it, in one ring:
//
//     read          arrived          sent            written
//      |  unread      |  in flight    |  not sent yet  |
//      '-- receive queue (window) ----'
//                     '-- send buffer, less what is acknowledged --'
//
// so a byte is copied once in and once out. The network is a first-in first-out pipe per direction
// with a latency that is chosen per segment. What a link loses (links.h) is sent again, later
// (tcp_recovery.cc).
//
// States follow Linux's, with those after ESTABLISHED folded into flags:
//   closed       TCP_CLOSE: fresh, refused, reset, or over
//   listen, syn_sent, syn_received
//   established  ESTABLISHED, CLOSE_WAIT (fin_received), FIN_WAIT (fin_sent), until both sides'
//                FINs are acknowledged or a reset comes
#pragma once

#include "kernel/inet_address.h"

namespace pollux::kernel {

class TcpSocket;

// What a stream knows about packets that were lost. As in Linux the sender begins again at the
// first byte that is missing; each time is a new flight, and what arrives of an earlier one counts
// for nothing.
struct Recovery {
  static constexpr uint64_t kNothing = UINT64_MAX;

  uint64_t hole = kNothing;  // the first byte (or behind the last: the FIN) not on its way
  int64_t timer_from = 0;    // when the oldest packet without an answer was sent
  int64_t first = 0;         // when the time of tcp_retries2 began (retrans_stamp)
  uint16_t flight = 0;
  uint8_t tries = 0;        // timeouts since the last answer
  bool due = false;         // a timeout is in the timeline
  bool unanswered = false;  // all of it arrived, but the acknowledgement did not
  bool forgotten = false;   // by what lies between (half_open): nothing passes any more
  bool vanished = false;    // one end was on a host that went down
};

struct Stream {
  ByteRing ring;
  uint64_t read = 0, arrived = 0, sent = 0, written = 0, acknowledged = 0;
  TcpSocket* from = nullptr;
  TcpSocket* to = nullptr;
  int64_t last_arrival = 0;
  uint64_t generation = 0;
  bool fin_wanted = false, fin_sent = false;
  bool acknowledgement_due = false;  // one is on its way to the sender
  uint8_t from_host = 0, to_host = 0;
  Recovery recovery;

  uint64_t unread() const { return arrived - read; }
  uint64_t unsent() const { return written - sent; }
};

class TcpSocket final : public InetSocket {
 public:
  enum class State : uint8_t { closed, listen, syn_sent, syn_received, established };
  // struct socket's state, which connect(2) goes by.
  enum class Use : uint8_t { unconnected, connecting, connected, disconnecting };

  TcpSocket() : InetSocket(Kind::tcp) {}
  static TcpSocket* create(unsigned host, bool inet6);

  uint32_t poll() override;
  long read(const Buffers&, size_t limit, int flags) override;
  long write(const Buffers&, size_t limit, int flags) override;
  void release() override;
  const char* kind_name() const override { return "tcp"; }
  const void* inflow() const override { return in; }
  const void* outflow() const override { return out; }
  File* other_end() const override { return out != nullptr ? out->to : nullptr; }
  std::string describe() override;

  // --- System calls, after the descriptor was looked up and the address copied in.
  long bind(const SocketName&);
  long listen(int backlog);
  long connect(const SocketName&);  // may wait
  long accept(TcpSocket** child);   // may wait
  long shutdown(int how);
  bool has_peer_name() const;

  // --- Readiness as faults and options see it.
  uint64_t readable_bytes() const { return hidden || in == nullptr ? 0 : in->arrived - in->read; }
  bool receive_shut() const { return shut_read || (fin_received && !hidden); }
  size_t queued_bytes() const { return out == nullptr ? 0 : out->written - out->acknowledged; }
  size_t unsent_bytes() const { return out == nullptr ? 0 : out->unsent(); }
  size_t room() const;

  // --- Faults, made true through state.
  // Everything that arrived and was not read, FIN included, arrives later.
  bool may_hide() const;
  void hide();
  bool may_squeeze() const;
  void squeeze();
  bool may_be_reset_by_network() const;
  // A reset from in between: both ends learn of it.
  void reset_by_network();
  bool may_hide_queue() const;
  void hide_queue();
  // Takes the first queued connection and resets it, as if it had never been (ECONNABORTED).
  void abort_first_queued();
  TcpSocket* first_queued() const { return queue_first_; }

  // --- Network events (tcp_network.cc).
  void on_segment(Stream*, uint64_t end);
  void on_fin();
  void on_reset();
  void on_established_by_peer();  // SYN-ACK came
  void on_handshake_done();       // the final ACK came to a syn_received socket
  void on_unhide();
  void on_unsqueeze();
  void on_unhide_queue();

  // --- Peers that do not answer (tcp_recovery.cc).
  // Keep-alive begins to look whether the peer is there. While it can be, nobody looks: the answer
  // is known.
  void watch_for_silence();
  // The host went down: gone without a word (host_crash.cc).
  void vanish();

  State state = State::closed;
  Use use = Use::unconnected;
  bool fin_received = false;  // SOCK_DONE
  bool no_space = false;      // SOCK_NOSPACE
  bool hidden = false, hide_grace = false;
  bool squeezed = false, squeeze_grace = false;
  bool queue_hidden = false, queue_grace = false;
  bool orphan = false;  // no descriptor any more
  bool bound = false, port_locked = false;
  bool bound_by_connect = false;  // the port may serve other connections, to elsewhere
  bool no_delay = false;
  struct KeepAliveTimes {
    int idle = 7200, interval = 75, count = 9;  // tcp(7)
  } keep_alive_times;
  int64_t user_timeout = 0;  // TCP_USER_TIMEOUT in ns, 0: that of the system
  uint8_t syn_count = 0;     // TCP_SYNCNT, 0: that of the system
  bool peer_known = false;   // inet_dport is set
  bool closed_first = false;
  uint64_t observed = 0;  // stream position up to which the program knows that bytes arrived
  uint32_t receive_low_water = 1;
  Stream* in = nullptr;
  Stream* out = nullptr;

  // Links of the port table (host.h).
  TcpSocket *next_of_port = nullptr, *previous_of_port = nullptr;
  bool in_port_table = false;

 private:
  friend struct Network;
  static TcpSocket* make_child(TcpSocket* listener, Stream* from_client);

  void begin_life(unsigned host_number, bool six);
  void close_connection();
  void close_listener();
  void send_fin();
  void pump();
  void write_space();
  void die(int errno_value);  // tcp_reset
  void finish();              // tcp_done
  void finish_if_both_closed();
  void send_reset();
  void detach_streams();
  void leave_port();
  void free_if_orphan();
  void clear_for_reuse();  // tcp_disconnect
  void settle_window();
  bool is_writable() const;
  void enqueue_child(TcpSocket*);
  TcpSocket* dequeue_child();
  void remove_half_open();
  long take_port(Address);
  long disconnect();  // connect(AF_UNSPEC)
  long start_connect(const SocketName&);
  void connect_to_itself();
  void give_up(int error);  // tcp_write_err
  void keep_alive_looks_at(int64_t when);
  void keep_alive_looks();
  int64_t last_heard() const;

  TcpSocket *queue_first_ = nullptr, *queue_last_ = nullptr, *queue_next_ = nullptr;
  uint32_t queue_length_ = 0, half_open_ = 0;
  int backlog_ = 0;
  TcpSocket* listener_ = nullptr;
  uint64_t listener_generation_ = 0;
  uint64_t keep_alive_setting_ = 0;
  uint8_t keep_alive_probes_ = 0;
};

}  // namespace pollux::kernel

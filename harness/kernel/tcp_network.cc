// SPDX-License-Identifier: MIT
//
// The network between TCP sockets, and what a socket does when something arrives.
//
// An arrival is an entry of the timeline that names a stream and its generation; the sockets at its
// ends may have gone meanwhile, and the link may have been cut: then it is lost, and
// tcp_recovery.cc knows what follows. Acknowledgements cost an entry only when somebody waits for
// them (a sender without room, a closed window); otherwise they take effect with the segment that
// they acknowledge. That is a network whose return path is fast, which is as good as any other.
#include "kernel/tcp_network.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "kernel/host.h"
#include "kernel/links.h"
#include "kernel/pools.h"
#include "kernel/state.h"
#include "trace/recorder.h"

namespace pollux::kernel {
namespace {

constexpr uint32_t kDataReady = EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND;

// What an entry of the timeline says about a segment: where it ends, and of which flight it is.
constexpr unsigned kFlightShift = 48;
constexpr uint64_t kEndMask = (uint64_t{1} << kFlightShift) - 1;

Time in_order(Stream* stream, Time when) {
  if (when < stream->last_arrival) when = stream->last_arrival;
  stream->last_arrival = when;
  return when;
}

// The stream when it still is the one that was meant.
Stream* valid(void* object, uint64_t generation) {
  auto* stream = static_cast<Stream*>(object);
  return stream->generation == generation ? stream : nullptr;
}

void note(const char* what, const Stream* stream) {
  if (__builtin_expect(!trace::recorder.text, 1)) return;
  const TcpSocket* socket = stream->to != nullptr ? stream->to : stream->from;
  if (socket == nullptr) return;
  bool inward = socket == stream->to;
  trace::line(trace::What::packet, "%s %s -> %s", what,
              to_string(inward ? socket->remote : socket->local).c_str(),
              to_string(inward ? socket->local : socket->remote).c_str());
}

}  // namespace

// --- Sending

bool Network::send(Stream* stream, explore::Timeline::Action action, uint64_t bytes,
                   uint64_t argument) {
  if (stream->recovery.forgotten) return false;
  Time when = links.send(stream->from_host, stream->to_host, bytes);
  if (when == kNever) {
    note("lost on the way:", stream);
    return false;
  }
  state.timeline->add(in_order(stream, when), action, stream, stream->generation, argument);
  return true;
}

void Network::send_syn(TcpSocket* client) {
  client->out->recovery.timer_from = client->out->recovery.first = now();
  if (!send(client->out, syn_arrives)) lost(client->out);
}

void Network::send_syn_ack(TcpSocket* child) {
  child->out->recovery.timer_from = now();
  if (!send(child->out, syn_ack_arrives)) lost_syn_ack(child->out);
}

bool Network::send_piece(Stream* stream, uint64_t end, uint64_t bytes) {
  uint64_t flight = stream->recovery.flight;
  if (send(stream, segment_arrives, bytes, end | flight << kFlightShift)) return true;
  lost_from(stream, end - bytes);
  return false;
}

void Network::send_segment(Stream* stream, uint64_t size) {
  if (stream->recovery.hole != Recovery::kNothing) return;  // what is missing goes first
  if (stream->acknowledged + size == stream->sent) stream->recovery.timer_from = now();
  if (size > 1) {
    // The segment may meet a router that cuts it, or the sender's own scheduler.
    uint64_t first = 0;
    switch (explore::choose(site::kNetSplit, 4)) {
      case 1:
        first = 1;
        break;
      case 2:
        first = size / 2;
        break;
      case 3:
        first = size - 1;
        break;
    }
    if (first != 0) {
      size -= first;
      if (!send_piece(stream, stream->sent - size, first)) return;
    }
  }
  send_piece(stream, stream->sent, size);
}

void Network::send_fin(Stream* stream) {
  Recovery& recovery = stream->recovery;
  if (recovery.hole != Recovery::kNothing) return;
  if (stream->acknowledged == stream->sent) recovery.timer_from = now();
  if (!send(stream, fin_arrives, 0, recovery.flight)) lost_from(stream, stream->sent);
}

void Network::send_reset(Stream* stream) {
  if (!send(stream, reset_arrives)) lost_reset(stream);
}

void Network::send_acknowledgement(Stream* stream) {
  if (stream->acknowledgement_due) return;
  Time when =
      stream->recovery.forgotten ? kNever : links.send_notice(stream->to_host, stream->from_host);
  if (when == kNever) {
    stream->recovery.unanswered = true;
    lost(stream);
    return;
  }
  stream->acknowledgement_due = true;
  // It travels on the opposite stream, behind what is there already.
  Stream* back = stream->to != nullptr && stream->to->out != nullptr ? stream->to->out : stream;
  state.timeline->add(in_order(back, when), acknowledgement_arrives, stream, stream->generation, 0);
}

void Network::schedule_unhide(TcpSocket* socket) {
  state.timeline->add(
      now() + network_delay(),
      [](void* object, uint64_t generation, uint64_t) {
        auto* hidden = static_cast<TcpSocket*>(object);
        if (hidden->generation == generation) hidden->on_unhide();
      },
      socket, socket->generation);
}

void Network::schedule_unsqueeze(TcpSocket* socket) {
  state.timeline->add(
      now() + network_delay(),
      [](void* object, uint64_t generation, uint64_t) {
        auto* squeezed = static_cast<TcpSocket*>(object);
        if (squeezed->generation == generation) squeezed->on_unsqueeze();
      },
      socket, socket->generation);
}

void Network::schedule_unhide_queue(TcpSocket* socket) {
  state.timeline->add(
      now() + network_delay(),
      [](void* object, uint64_t generation, uint64_t) {
        auto* listener = static_cast<TcpSocket*>(object);
        if (listener->generation == generation) listener->on_unhide_queue();
      },
      socket, socket->generation);
}

// --- The handshake

void Network::syn_arrives(void* object, uint64_t generation, uint64_t) {
  Stream* stream = valid(object, generation);
  if (stream == nullptr) return;
  TcpSocket* client = stream->from;
  if (client == nullptr || client->state != TcpSocket::State::syn_sent) return;
  if (!reaches(stream)) return lost(stream);
  note("SYN", stream);
  if (stream->to != nullptr) {  // again: the answer to it was lost
    if (stream->to->state == TcpSocket::State::syn_received) send_syn_ack(stream->to);
    return;
  }
  TcpSocket* listener = host(stream->to_host).ports.find_listener(client->remote);
  if (listener == nullptr) {
    bool to_itself = stream->to_host == client->host && client->remote == client->local;
    if (to_itself) {  // a simultaneous open with itself
      client->connect_to_itself();
    } else {
      send_reset(client->in);
    }
    return;
  }
  if (listener->queue_length_ + listener->half_open_ >
      static_cast<uint32_t>(listener->backlog_)) {  // sk_acceptq_is_full: the SYN is dropped
    return lost(stream);
  }
  send_syn_ack(TcpSocket::make_child(listener, stream));
}

TcpSocket* TcpSocket::make_child(TcpSocket* listener, Stream* from_client) {
  TcpSocket* client = from_client->from;
  TcpSocket* child = create(listener->host, listener->inet6);
  child->inet6_only = listener->inet6_only;
  child->state = State::syn_received;
  child->use = Use::connected;
  child->local = client->remote;
  child->remote = client->local;
  child->peer_known = true;
  child->bound = true;
  // What a new socket inherits: options, not O_NONBLOCK.
  child->reuse_address = listener->reuse_address;
  child->reuse_port = listener->reuse_port;
  child->keep_alive = listener->keep_alive;
  child->keep_alive_times = listener->keep_alive_times;
  child->user_timeout = listener->user_timeout;
  child->ip = listener->ip;
  child->port_range = listener->port_range;
  child->no_delay = listener->no_delay;
  child->linger_on = listener->linger_on;
  child->linger_seconds = listener->linger_seconds;
  child->send_buffer = listener->send_buffer;
  child->receive_buffer = listener->receive_buffer;
  child->receive_low_water = listener->receive_low_water;
  child->receive_timeout = listener->receive_timeout;
  child->send_timeout = listener->send_timeout;
  child->in = from_client;
  from_client->to = child;
  child->out = client->in;
  child->out->from = child;
  child->listener_ = listener;
  child->listener_generation_ = listener->generation;
  ++listener->half_open_;
  kernel::host(child->host).ports.add(child);
  return child;
}

void Network::syn_ack_arrives(void* object, uint64_t generation, uint64_t) {
  Stream* stream = valid(object, generation);
  if (stream == nullptr || stream->from == nullptr) return;
  TcpSocket* child = stream->from;
  TcpSocket* client = stream->to;
  if (!reaches(stream)) return lost_syn_ack(stream);
  note("SYN-ACK", stream);
  bool again = client != nullptr && client->state == TcpSocket::State::established;
  if (!again && (client == nullptr || client->state != TcpSocket::State::syn_sent)) {
    send_reset(child->in);  // nobody there any more
    return;
  }
  answered(client->out);
  if (!again) client->on_established_by_peer();
  if (!send(client->out, final_ack_arrives)) lost(stream);
}

void TcpSocket::on_established_by_peer() {
  state = State::established;
  wake(0);
}

void Network::final_ack_arrives(void* object, uint64_t generation, uint64_t) {
  Stream* stream = valid(object, generation);
  if (stream == nullptr || stream->to == nullptr) return;
  TcpSocket* child = stream->to;
  if (!reaches(stream)) return lost(child->out);
  note("ACK", stream);
  if (child->state == TcpSocket::State::syn_received) child->on_handshake_done();
}

void TcpSocket::on_handshake_done() {
  TcpSocket* listener = listener_;
  listener_ = nullptr;
  Network::answered(out);
  if (listener->generation != listener_generation_ || listener->state != State::listen) {
    send_reset();
    orphan = true;
    finish();
    free_if_orphan();
    return;
  }
  --listener->half_open_;
  state = State::established;
  listener->enqueue_child(this);
  if (!listener->queue_hidden) listener->wake(kDataReady);
}

void TcpSocket::remove_half_open() {
  if (listener_ != nullptr && listener_->generation == listener_generation_) {
    --listener_->half_open_;
  }
  listener_ = nullptr;
}

// --- Data

void Network::segment_arrives(void* object, uint64_t generation, uint64_t end_and_flight) {
  Stream* stream = valid(object, generation);
  if (stream == nullptr) return;
  const uint64_t end = end_and_flight & kEndMask;
  if (!counts(stream, end, end_and_flight >> kFlightShift)) return;
  if (!reaches(stream)) return lost_from(stream, stream->arrived);
  note("data", stream);
  if (stream->to != nullptr) {
    stream->to->on_segment(stream, end);
    if (stream->generation == generation) go_on(stream);
  } else if (stream->from != nullptr) {
    refuse(stream);
  }
}

void TcpSocket::on_segment(Stream* stream, uint64_t end) {
  if (state == State::syn_received) on_handshake_done();  // the ACK before it was lost
  if (state != State::established) {
    if (state == State::closed && out != nullptr) send_reset();
    return;
  }
  if (shut_read && stream->to->out->fin_wanted && !fin_received && end > stream->arrived) {
    // tcp_rcv_state_process, FIN_WAIT: nobody will ever read this (TCPABORTONDATA). What comes
    // again because the answer to it was lost is only answered again.
    send_reset();
    die(ECONNRESET);
    return;
  }
  bool asked_again = stream->recovery.unanswered;
  stream->arrived = std::max(stream->arrived, end);
  if (TcpSocket* sender = stream->from; sender != nullptr && Network::acknowledge(stream)) {
    if (sender->no_space || asked_again) {
      Network::send_acknowledgement(stream);
    } else {
      stream->acknowledged = stream->arrived;
    }
  }
  if (!hidden && stream->unread() >= receive_low_water) wake(kDataReady);
}

void Network::acknowledgement_arrives(void* object, uint64_t generation, uint64_t) {
  Stream* stream = valid(object, generation);
  if (stream == nullptr) return;
  stream->acknowledgement_due = false;
  if (!answer_reaches(stream)) {
    stream->recovery.unanswered = true;
    return lost(stream);
  }
  stream->acknowledged = stream->arrived;
  TcpSocket* sender = stream->from;
  if (sender == nullptr || sender->state != TcpSocket::State::established) return;
  sender->pump();
  sender->write_space();
}

// --- The end

void Network::fin_arrives(void* object, uint64_t generation, uint64_t flight) {
  Stream* stream = valid(object, generation);
  if (stream == nullptr || !counts(stream, stream->sent + 1, flight)) return;
  if (!reaches(stream)) return lost_from(stream, stream->sent);
  note("FIN", stream);
  TcpSocket* receiver = stream->to;
  TcpSocket* sender = stream->from;
  uint64_t sender_generation = sender != nullptr ? sender->generation : 0;
  if (receiver == nullptr && stream->recovery.vanished) return refuse(stream);
  if (receiver != nullptr && receiver->state == TcpSocket::State::syn_received) {
    receiver->on_handshake_done();  // the ACK before it was lost
  }
  if (receiver != nullptr) receiver->on_fin();
  // The FIN is acknowledged; that was the last thing that a closing sender waited for.
  if (sender != nullptr && sender != receiver && sender->generation == sender_generation &&
      acknowledge(stream)) {
    sender->finish_if_both_closed();
  }
}

void TcpSocket::on_fin() {
  if (state != State::established) return;
  fin_received = true;
  bool was_hidden = hidden;
  uint64_t life = generation;
  finish_if_both_closed();
  if (generation == life && state == State::established && !was_hidden) wake(0);
}

void Network::reset_arrives(void* object, uint64_t generation, uint64_t) {
  Stream* stream = valid(object, generation);
  if (stream == nullptr || stream->to == nullptr) return;
  if (!reaches(stream)) return lost_reset(stream);
  note("RST", stream);
  stream->to->on_reset();
}

void TcpSocket::on_reset() {  // tcp_reset
  switch (state) {
    case State::closed:
    case State::listen:
      return;
    case State::syn_sent:
      die(ECONNREFUSED);
      return;
    case State::syn_received:
      remove_half_open();
      orphan = true;
      finish();
      free_if_orphan();
      return;
    case State::established: {
      bool close_wait = fin_received && !out->fin_wanted;
      die(close_wait ? EPIPE : ECONNRESET);
      return;
    }
  }
}

// --- Ends of faults

void TcpSocket::on_unhide() {
  if (!hidden) return;
  hidden = false;
  hide_grace = true;
  wake(fin_received ? 0 : kDataReady);
}

void TcpSocket::on_unsqueeze() {
  if (!squeezed) return;
  squeezed = false;
  squeeze_grace = true;
  write_space();
}

void TcpSocket::on_unhide_queue() {
  if (!queue_hidden) return;
  queue_hidden = false;
  queue_grace = true;
  if (queue_first_ != nullptr) wake(kDataReady);
}

}  // namespace pollux::kernel

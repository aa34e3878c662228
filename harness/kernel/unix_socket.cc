// SPDX-License-Identifier: MIT
//
// A unix socket moves closed -> listening (listen) or closed -> connected (connect, accept,
// socketpair) and never back. A stream or a sequenced-packet socket and its peer point at each
// other. A datagram socket may have a peer that has another or none, so each knows who sends to it
// (senders_): they are told when it makes room and when it goes.
//
// connect() makes the other end itself and puts it in the listener's queue; it can be written to
// before it is accepted, and is reset when the listener goes first.
#include "kernel/unix_socket.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "kernel/clocks.h"
#include "kernel/host.h"
#include "kernel/pools.h"

namespace pollux::kernel {
namespace {

constexpr uint32_t kDefaultBuffer = 212992;  // net.core.wmem_default
constexpr uint32_t kSoMaxConn = 4096;
constexpr uint32_t kDatagramsMax = 10;  // net.unix.max_dgram_qlen
constexpr uint32_t kDataReady = EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND;
constexpr uint32_t kRoom = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;

}  // namespace

void UnixSocket::begin_unix(unsigned host_number, int type) {
  begin_socket(host_number, kDefaultBuffer, kDefaultBuffer);
  peer_ = nullptr;
  cost_ = 0;
  state_ = State::closed;
  peer_gone_ = wants_room_ = false;
  name_.length = departed_name_.length = 0;
  in_names_ = has_credentials_ = queued_ = false;
  type_ = type;
  backlog_ = kDatagramsMax;
  queue_length_ = 0;
  queue_first_ = queue_last_ = queue_next_ = nullptr;
  senders_ = next_sender_ = nullptr;
  sender_link_ = nullptr;
}

UnixSocket* UnixSocket::create(unsigned host, int type) {
  if (type == SOCK_STREAM) {
    UnixStream* stream = pools.unix_streams.take();
    stream->begin_life(host);
    return stream;
  }
  UnixPacketSocket* packets = pools.unix_packet_sockets.take();
  packets->begin_life(host, type);
  return packets;
}

void UnixSocket::create_pair(unsigned host, int type, UnixSocket** a, UnixSocket** b) {
  *a = create(host, type);
  *b = create(host, type);
  (*a)->set_peer(*b);
  (*b)->set_peer(*a);
  for (UnixSocket* end : {*a, *b}) {
    end->state_ = State::connected;
    end->has_credentials_ = true;
  }
}

std::string UnixSocket::describe() {
  std::string text = kind_name();
  if (state_ == State::listening) {
    text += ", listening, " + std::to_string(queue_length_) + " to accept";
  }
  if (size_t unread = readable_bytes(); unread != 0) {
    text += ", " + std::to_string(unread) + " bytes unread";
  }
  if (peer_gone_) text += ", peer has closed";
  return text;
}

// --- Peers

void UnixSocket::set_peer(UnixSocket* peer) {
  peer_ = peer;
  peer_gone_ = false;
  departed_name_.length = 0;
  if (connection_based()) return;
  next_sender_ = peer->senders_;
  sender_link_ = &peer->senders_;
  if (next_sender_ != nullptr) next_sender_->sender_link_ = &next_sender_;
  peer->senders_ = this;
}

void UnixSocket::leave_peer() {
  if (sender_link_ != nullptr) {
    *sender_link_ = next_sender_;
    if (next_sender_ != nullptr) next_sender_->sender_link_ = sender_link_;
    next_sender_ = nullptr;
    sender_link_ = nullptr;
  }
  peer_ = nullptr;
  wants_room_ = false;
}

SocketName UnixSocket::peer_name() const {
  if (peer_ == nullptr && !peer_gone_) return SocketName{};
  SocketName name = peer_ != nullptr ? peer_->name_ : departed_name_;
  if (name.length == 0) {  // there is somebody, but without a name
    name.address.ss_family = AF_UNIX;
    name.length = sizeof(sa_family_t);
  }
  return name;
}

void UnixSocket::give_back(uint32_t cost) {
  cost_ -= cost;
  if (is_writable()) wake(kRoom);
}

void UnixSocket::wake_waiting_senders() {
  // unix_dgram_peer_wake_relay: whoever saw the queue full hears once.
  for (UnixSocket* sender = senders_; sender != nullptr; sender = sender->next_sender_) {
    if (!sender->wants_room_) continue;
    sender->wants_room_ = false;
    sender->wake(kRoom);
  }
  explore::wake_all(explore::Why::io, &senders_);
}

// --- The end

void UnixSocket::release() { depart(); }

void UnixSocket::depart() {  // unix_release_sock
  kernel::host(host).unix_names.forget(this);
  // Who holds up for a listener or a full queue looks again.
  wake_waiting_senders();
  while (UnixSocket* child = queue_first_) {
    queue_first_ = child->queue_next_;
    child->hold();
    child->drop();
  }
  bool unread = drop_queue();
  if (peer_ != nullptr && connection_based()) {
    UnixSocket* peer = peer_;
    peer->shut_read = peer->shut_write = true;
    if (unread || queued_) peer->error = ECONNRESET;
    peer->peer_ = nullptr;
    peer->peer_gone_ = true;
    peer->departed_name_ = name_;
    peer->wake(0);
  }
  while (UnixSocket* sender = senders_) {
    sender->leave_peer();
    sender->peer_gone_ = true;
    sender->departed_name_ = name_;
  }
  leave_peer();
  ++generation;  // messages of ours that are still queued no longer find us
}

long UnixSocket::shutdown(int how) {  // unix_shutdown
  if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
  bool read_side = how != SHUT_WR;
  bool write_side = how != SHUT_RD;
  shut_read |= read_side;
  shut_write |= write_side;
  wake(0);  // sk_state_change: its own waiters, then those of the peer
  if (peer_ != nullptr && connection_based()) {
    peer_->shut_read |= write_side;
    peer_->shut_write |= read_side;
    peer_->wake(0);
  }
  if (state_ == State::listening) wake_waiting_senders();
  return 0;
}

// --- Readiness, as far as it is the same for all

uint32_t UnixSocket::common_poll() const {  // unix_poll, unix_dgram_poll
  uint32_t mask = 0;
  if (error != 0) mask |= EPOLLERR;
  if (shut_read && shut_write) mask |= EPOLLHUP;
  if (shut_read) mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
  if (queue_first_ != nullptr) mask |= EPOLLIN | EPOLLRDNORM;
  if (connection_based() && state_ == State::closed) mask |= EPOLLHUP;
  if (is_writable()) mask |= kRoom;
  return mask;
}

// --- bind, listen, connect, accept

long UnixSocket::bind(const SocketName& wanted) {  // unix_bind
  UnixNames& names = kernel::host(host).unix_names;
  if (wanted.length == sizeof(sa_family_t) && wanted.address.ss_family == AF_UNIX) {
    if (name_.length == 0) names.bind_to_any(this);
    return 0;
  }
  if (long problem = check_unix_name(wanted); problem != 0) return problem;
  if (name_.length != 0) {
    // A path is made before it is found that there is a name already (unix_bind_bsd).
    UnixSocket* other = nullptr;
    bool is_path = reinterpret_cast<const char*>(&wanted.address)[sizeof(sa_family_t)] != '\0';
    return is_path && names.find(wanted, type_, &other) != -ENOENT ? -EADDRINUSE : -EINVAL;
  }
  return names.bind(this, wanted);
}

long UnixSocket::listen(int wanted_backlog) {  // unix_listen
  if (type_ == SOCK_DGRAM) return -EOPNOTSUPP;
  if (name_.length == 0 || state_ == State::connected) return -EINVAL;
  backlog_ = std::min(static_cast<uint32_t>(wanted_backlog), kSoMaxConn);
  state_ = State::listening;
  has_credentials_ = true;
  wake_waiting_senders();  // there may be more room now
  return 0;
}

long UnixSocket::find_listener(const SocketName& to, UnixSocket** listener) const {
  UnixSocket* found = nullptr;
  long problem = kernel::host(host).unix_names.find(to, type_, &found);
  if (problem != 0) return problem;
  if (found->state_ != State::listening || found->shut_read) return -ECONNREFUSED;
  *listener = found;
  return 0;
}

long UnixSocket::connect(const SocketName& to) {
  if (to.length < sizeof(sa_family_t)) return -EINVAL;
  if (type_ == SOCK_DGRAM) {  // unix_dgram_connect
    UnixSocket* found = nullptr;
    if (to.address.ss_family != AF_UNSPEC) {
      if (long problem = check_unix_name(to); problem != 0) return problem;
      long problem = kernel::host(host).unix_names.find(to, type_, &found);
      if (problem != 0) return problem;
      bool may_send = found->peer_ == nullptr || found->peer_ == this;
      if (!may_send) return -EPERM;
    }
    UnixSocket* before = peer_;
    const bool had_peer = before != nullptr || peer_gone_;
    if (before != found || peer_gone_) {
      leave_peer();
      peer_gone_ = false;
      // unix_dgram_disconnected: what came from the former peer is thrown away, and it is told.
      if (drop_queue() && before != nullptr && before->peer_ == this) {
        before->error = ECONNRESET;
        before->wake(EPOLLERR);
      }
      if (found != nullptr) set_peer(found);
    }
    state_ = found != nullptr ? State::connected : State::closed;
    has_credentials_ |= found != nullptr;
    if (had_peer) wake(kRoom);  // also when it is the same one: Linux 6.18 was seen to
    return 0;
  }
  if (long problem = check_unix_name(to); problem != 0) return problem;  // unix_stream_connect
  Time deadline = send_timeout == 0 ? kNever : after(send_timeout);
  UnixSocket* listener = nullptr;
  for (;;) {
    if (long problem = find_listener(to, &listener); problem != 0) return problem;
    if (!listener->backlog_full()) break;
    if (non_blocking) return -EAGAIN;
    if (!sleep_on(explore::Why::io, &listener->senders_, deadline)) return -EAGAIN;
    if (explore::signal_pending()) return interrupted(deadline);
  }
  if (state_ == State::connected) return -EISCONN;
  if (state_ == State::listening) return -EINVAL;
  UnixSocket* child = create(host, type_);
  child->state_ = state_ = State::connected;
  child->has_credentials_ = has_credentials_ = true;
  child->name_ = listener->name_;  // whose it is in the table of names
  child->send_buffer = listener->send_buffer;
  child->receive_buffer = listener->receive_buffer;
  child->set_peer(this);
  set_peer(child);
  child->queued_ = true;
  (listener->queue_last_ != nullptr && listener->queue_first_ != nullptr
       ? listener->queue_last_->queue_next_
       : listener->queue_first_) = child;
  listener->queue_last_ = child;
  ++listener->queue_length_;
  listener->wake(kDataReady);
  return 0;
}

long UnixSocket::accept(UnixSocket** child) {  // unix_accept
  if (type_ == SOCK_DGRAM) return -EOPNOTSUPP;
  if (state_ != State::listening) return -EINVAL;
  Time deadline = receive_timeout == 0 ? kNever : after(receive_timeout);
  while (queue_first_ == nullptr) {
    if (non_blocking) return -EAGAIN;
    if (shut_read) return -EINVAL;
    if (!wait(deadline)) return -EAGAIN;
    if (queue_first_ == nullptr && explore::signal_pending()) return interrupted(deadline);
  }
  *child = queue_first_;
  queue_first_ = (*child)->queue_next_;
  (*child)->queue_next_ = nullptr;
  (*child)->queued_ = false;
  --queue_length_;
  wake_waiting_senders();
  return 0;
}

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
//
// bind, listen, connect and accept of TCP sockets: inet_bind, inet_listen, __inet_stream_connect,
// inet_csk_accept, with their checks in their order.
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "kernel/host.h"
#include "kernel/pools.h"
#include "kernel/state.h"
#include "kernel/tcp.h"
#include "kernel/tcp_network.h"

namespace pollux::kernel {
namespace {

constexpr int kSoMaxConn = 4096;

Time deadline_after(int64_t timeout) { return timeout == 0 ? kNever : now() + timeout; }

}  // namespace

long TcpSocket::bind(const SocketName& name) {
  Address address;
  if (long problem = bind_address(name, &address); problem != 0) return problem;
  if (state != State::closed || bound) return -EINVAL;
  return take_port(address);
}

long TcpSocket::take_port(Address address) {
  Ports& ports = kernel::host(host).ports;
  Address before = local;
  local = address;
  if (address.port == 0) {
    local.port = ports.ephemeral(port_range);
    if (local.port == 0) {
      local = before;
      return -EADDRINUSE;
    }
  } else if (ports.conflicts(this)) {
    local = before;
    return -EADDRINUSE;
  }
  bound = true;
  port_locked = address.port != 0;
  ports.add(this);
  return 0;
}

long TcpSocket::listen(int wanted_backlog) {
  if (use != Use::unconnected) return -EINVAL;
  if (state != State::closed && state != State::listen) return -EINVAL;
  // Compared as unsigned: a negative backlog is the largest.
  backlog_ = wanted_backlog < 0 || wanted_backlog > kSoMaxConn ? kSoMaxConn : wanted_backlog;
  if (state == State::listen) return 0;
  if (!bound) {
    long result = take_port(nowhere());
    if (result < 0) return result;
  }
  Ports& ports = kernel::host(host).ports;
  // Two sockets may have been bound to the port, but only one may listen.
  if (ports.conflicts(this)) return -EADDRINUSE;
  if (in_port_table) ports.remove(this);
  state = State::listen;
  ports.add(this);
  queue_length_ = half_open_ = 0;
  return 0;
}

void TcpSocket::close_listener() {  // inet_csk_listen_stop
  ++generation;                     // half-open children and ends of faults no longer find us
  queue_hidden = queue_grace = false;
  while (TcpSocket* child = dequeue_child()) {
    if (child->state == State::established) child->send_reset();
    child->orphan = true;
    child->finish();
    child->free_if_orphan();
  }
  half_open_ = 0;
}

void TcpSocket::enqueue_child(TcpSocket* child) {
  child->queue_next_ = nullptr;
  (queue_last_ != nullptr ? queue_last_->queue_next_ : queue_first_) = child;
  queue_last_ = child;
  ++queue_length_;
}

TcpSocket* TcpSocket::dequeue_child() {
  TcpSocket* child = queue_first_;
  if (child == nullptr) return nullptr;
  queue_first_ = child->queue_next_;
  if (queue_first_ == nullptr) queue_last_ = nullptr;
  --queue_length_;
  return child;
}

long TcpSocket::accept(TcpSocket** child) {
  if (state != State::listen) return -EINVAL;
  Time deadline = deadline_after(receive_timeout);
  while (queue_first_ == nullptr || queue_hidden) {
    if (non_blocking) return -EAGAIN;
    if (!wait(deadline)) return -EAGAIN;
    if (state != State::listen) return -EINVAL;
    bool found = queue_first_ != nullptr && !queue_hidden;
    if (!found && explore::signal_pending()) return interrupted(deadline);
  }
  *child = dequeue_child();
  queue_grace = false;
  return 0;
}

bool TcpSocket::may_hide_queue() const {
  return queue_first_ != nullptr && !queue_hidden && !queue_grace;
}

void TcpSocket::hide_queue() {
  queue_hidden = true;
  Network::schedule_unhide_queue(this);
}

void TcpSocket::abort_first_queued() {
  TcpSocket* child = dequeue_child();
  if (child->state == State::established) child->send_reset();
  child->orphan = true;
  child->finish();
  child->free_if_orphan();
}

// --- connect(2)

long TcpSocket::connect(const SocketName& name) {
  if (name.length < sizeof(sa_family_t)) return -EINVAL;
  if (name.address.ss_family == AF_UNSPEC) return disconnect();
  long result = -EINPROGRESS;
  switch (use) {
    case Use::disconnecting:
      return -EINVAL;
    case Use::connected:
      return -EISCONN;
    case Use::connecting:
      result = -EALREADY;
      break;
    case Use::unconnected:
      if (state != State::closed) return -EISCONN;
      if (long error = start_connect(name); error < 0) return error;
      use = Use::connecting;
      break;
  }
  Time deadline = deadline_after(send_timeout);
  while (state == State::syn_sent || state == State::syn_received) {
    if (non_blocking) return result;
    if (!wait(deadline)) return result;
    bool waits = state == State::syn_sent || state == State::syn_received;
    if (waits && explore::signal_pending()) return interrupted(deadline);
  }
  if (state == State::closed) {
    long failed = error != 0 ? -take_error() : -ECONNABORTED;
    use = Use::unconnected;
    clear_for_reuse();
    error = 0;
    return failed;
  }
  use = Use::connected;
  return 0;
}

long TcpSocket::start_connect(const SocketName& name) {  // tcp_v4_connect
  Address to;
  if (long problem = target(name, 0, &to); problem != 0) return problem;
  long peer_host = route(to);
  if (peer_host < 0) return peer_host;
  local.ip = source_ip(to);
  local.six = to.six;
  Ports& ports = kernel::host(host).ports;
  if (!bound) {
    local.port = ports.ephemeral(port_range, &to);
    if (local.port == 0) return -EADDRNOTAVAIL;
    bound = bound_by_connect = true;
    ports.add(this);
  }
  remote = to;
  peer_known = true;
  shut_read = shut_write = fin_received = closed_first = false;
  error = 0;
  observed = 0;
  reported = 0;
  detach_streams();
  for (Stream** end : {&in, &out}) {
    Stream* stream = pools.streams.take();
    stream->read = stream->arrived = stream->sent = stream->written = stream->acknowledged = 0;
    stream->from = stream->to = nullptr;
    stream->last_arrival = 0;
    ++stream->generation;
    stream->fin_wanted = stream->fin_sent = false;
    stream->acknowledgement_due = false;
    stream->recovery = {};
    *end = stream;
  }
  in->to = this;
  out->from = this;
  out->from_host = in->to_host = host;
  out->to_host = in->from_host = static_cast<uint8_t>(peer_host);
  state = State::syn_sent;
  Network::send_syn(this);
  return 0;
}

void TcpSocket::connect_to_itself() {
  ++in->generation;
  pools.streams.give(in);
  in = out;
  out->to = this;
  state = State::established;
  wake(0);
}

// tcp_disconnect: the socket is as fresh, but for what bind() fixed.
void TcpSocket::clear_for_reuse() {
  if (state == State::established || state == State::syn_received) send_reset();
  state = State::closed;
  detach_streams();
  shut_read = shut_write = fin_received = no_space = false;
  hidden = hide_grace = squeezed = squeeze_grace = false;
  peer_known = closed_first = false;
  remote = nowhere();
  if (port_locked) {
    if (in_port_table) {  // a former listener is an ordinary holder of the port
      Ports& ports = kernel::host(host).ports;
      ports.remove(this);
      ports.add(this);
    }
  } else {
    leave_port();
    local = nowhere();
  }
}

long TcpSocket::disconnect() {
  State before = state;
  if (before == State::listen) {
    kernel::host(host).ports.remove(this);
    state = State::closed;
    if (port_locked) {
      kernel::host(host).ports.add(this);
    } else {
      bound = bound_by_connect = false;
      local = nowhere();
    }
    use = Use::unconnected;
    return 0;
  }
  clear_for_reuse();
  if (before == State::syn_sent || before == State::established) error = ECONNRESET;
  use = Use::unconnected;
  wake(EPOLLERR);
  return 0;
}

}  // namespace pollux::kernel

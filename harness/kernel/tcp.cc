// SPDX-License-Identifier: MIT
//
// One TCP socket as its owner sees it: readiness, reading, writing, closing. What comes from the
// network is in tcp_network.cc, connect, listen and accept are in tcp_connect.cc.
//
// Who moves a socket between states:
//   closed -> listen, syn_sent          its owner
//   syn_sent -> established             the SYN-ACK
//   syn_sent -> closed                  a reset (refused), its owner (shutdown, close), time
//   syn_received -> established         the final ACK, which also queues it at the listener
//   established -> closed               die(): a reset came; finish(): both FINs are acknowledged;
//                                       its owner: close with unread data or linger 0
// An orphan (no descriptor any more) frees itself once it is closed. Streams outlive either socket
// until both let go of them.
#include "kernel/tcp.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "kernel/host.h"
#include "kernel/pools.h"
#include "kernel/state.h"
#include "kernel/tcp_network.h"

namespace pollux::kernel {

TcpSocket* TcpSocket::create(unsigned host_number, bool six) {
  TcpSocket* socket = pools.tcp_sockets.take();
  socket->begin_life(host_number, six);
  return socket;
}

void TcpSocket::begin_life(unsigned host_number, bool six) {
  const NetworkOptions& network = kernel::state.options.network;
  begin_socket(host_number, network.send_buffer_bytes, network.receive_buffer_bytes);
  state = State::closed;
  use = Use::unconnected;
  fin_received = no_space = false;
  hidden = hide_grace = squeezed = squeeze_grace = queue_hidden = queue_grace = false;
  orphan = bound = port_locked = bound_by_connect = false;
  no_delay = peer_known = closed_first = false;
  keep_alive_times = {};
  user_timeout = 0;
  syn_count = 0;
  ++keep_alive_setting_;
  keep_alive_probes_ = 0;
  observed = 0;
  receive_low_water = 1;
  begin_inet(six);
  in = out = nullptr;
  next_of_port = previous_of_port = nullptr;
  in_port_table = false;
  queue_first_ = queue_last_ = queue_next_ = nullptr;
  queue_length_ = half_open_ = 0;
  backlog_ = 0;
  listener_ = nullptr;
}

// --- Readiness

size_t TcpSocket::room() const {
  if (squeezed) return 0;
  size_t used = queued_bytes();
  return used < send_buffer ? send_buffer - used : 0;
}

// __sk_stream_is_writeable: free space is at least half of what is queued.
bool TcpSocket::is_writable() const {
  if (squeezed) return false;
  size_t used = queued_bytes();
  return used < send_buffer && send_buffer - used >= used / 2;
}

uint32_t TcpSocket::poll() {  // tcp_poll
  if (state == State::listen) {
    return queue_first_ != nullptr && !queue_hidden ? EPOLLIN | EPOLLRDNORM : 0;
  }
  uint32_t mask = 0;
  bool read_side_shut = receive_shut();
  if ((read_side_shut && shut_write) || state == State::closed) mask |= EPOLLHUP;
  if (read_side_shut) mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
  if (state != State::syn_sent && state != State::syn_received) {
    if (readable_bytes() >= receive_low_water) mask |= EPOLLIN | EPOLLRDNORM;
    if (shut_write || is_writable()) {
      mask |= EPOLLOUT | EPOLLWRNORM;
    } else {
      no_space = true;  // whoever asks wants to be told
    }
  }
  if (error != 0) mask |= EPOLLERR;
  return mask;
}

// --- Reading

long TcpSocket::read(const Buffers& buffers, size_t limit, int flags) {  // tcp_recvmsg_locked
  if (state == State::listen) return -ENOTCONN;
  uint64_t available = readable_bytes();
  if (available != 0) {
    size_t size = static_cast<size_t>(std::min<uint64_t>(available, limit));
    if ((flags & MSG_TRUNC) == 0) {
      if (buffers.faulty()) return -EFAULT;
      in->ring.get(in->read, buffers, 0, size);
    }
    hide_grace = false;
    if ((flags & MSG_PEEK) != 0) {
      observed = std::max(observed, in->read + size);
      return static_cast<long>(size);
    }
    in->read += size;
    if (in->unsent() != 0 && state == State::established) settle_window();
    return static_cast<long>(size);
  }
  // SOCK_DONE before sk_err: after a FIN the reader sees the end, not the reset that came later.
  if (fin_received && !hidden) {
    hide_grace = false;
    return 0;
  }
  if (error != 0) return -take_error();
  if (shut_read) return 0;
  if (state == State::closed) return -ENOTCONN;
  return -EAGAIN;
}

// The reader made room. A sender that had to stop is told when that is worth a segment
// (tcp_cleanup_rbuf, __tcp_select_window).
void TcpSocket::settle_window() {
  if (in->acknowledgement_due || in->from == nullptr) return;
  uint64_t open = in->read + receive_buffer - in->sent;
  uint64_t worth =
      std::min<uint64_t>(kernel::state.options.network.segment_max_bytes, receive_buffer / 2);
  if (open < worth) return;
  Network::send_acknowledgement(in);
}

bool TcpSocket::has_peer_name() const {  // inet_getname
  return peer_known && state != State::closed && state != State::syn_sent;
}

// --- Writing

long TcpSocket::write(const Buffers& buffers, size_t limit, int) {  // tcp_sendmsg_locked
  if (state != State::established) {
    // sk_stream_wait_connect
    if (error != 0) return -take_error();
    return state == State::syn_sent || state == State::syn_received ? -EAGAIN : -EPIPE;
  }
  if (error != 0) return -take_error();
  if (shut_write) return -EPIPE;
  if (limit == 0) return 0;
  size_t space = room();
  if (space == 0) {
    no_space = wants_output = true;
    return -EAGAIN;
  }
  if (buffers.faulty()) return -EFAULT;
  size_t size = std::min(space, limit);
  out->ring.reserve(out->read, out->written, out->written + size);
  out->ring.put(out->written, buffers, 0, size);
  out->written += size;
  squeeze_grace = false;
  if (size < limit) no_space = true;
  wants_output = size < limit;
  pump();
  return static_cast<long>(size);
}

// Sends what the receiver's window takes.
void TcpSocket::pump() {
  Stream* stream = out;
  uint64_t window = stream->to != nullptr ? stream->to->receive_buffer
                                          : kernel::state.options.network.receive_buffer_bytes;
  while (stream->sent != stream->written) {
    uint64_t end = stream->read + window;
    if (end <= stream->sent) break;
    uint64_t size =
        std::min({stream->unsent(), end - stream->sent,
                  static_cast<uint64_t>(kernel::state.options.network.segment_max_bytes)});
    stream->sent += size;
    Network::send_segment(stream, size);
  }
  if (stream->fin_wanted && !stream->fin_sent && stream->sent == stream->written) {
    stream->fin_sent = true;
    Network::send_fin(stream);
  }
}

void TcpSocket::write_space() {  // sk_stream_write_space
  if (no_space && is_writable()) {
    no_space = false;
    wake(EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
  }
}

void TcpSocket::send_fin() {
  if (out == nullptr || out->fin_wanted) return;
  out->fin_wanted = true;
  closed_first = !fin_received;
  if (state == State::established) pump();
}

// --- Closing

void TcpSocket::finish() {  // tcp_done
  if (closed_first && state == State::established && fin_received) {
    kernel::host(host).ports.time_wait(this);
  }
  state = State::closed;
  shut_read = shut_write = true;
  hidden = squeezed = false;
  // The port goes with the connection unless bind() asked for it.
  if (!port_locked) leave_port();
}

void TcpSocket::finish_if_both_closed() {
  if (state != State::established || !fin_received || out == nullptr) return;
  // Our FIN is acknowledged once the peer has it.
  bool acknowledged =
      out->fin_sent &&
      (out->to == nullptr ? !out->recovery.vanished : out->to->fin_received || out->to == this);
  if (acknowledged) {
    finish();
    if (!orphan) wake(0);
    free_if_orphan();
  }
}

void TcpSocket::die(int errno_value) {  // tcp_reset
  error = errno_value;
  finish();
  if (out != nullptr) {
    // What was not sent never will be (tcp_write_queue_purge).
    out->written = out->sent;
    out->acknowledged = out->written;
  }
  wake(0);
  free_if_orphan();
}

void TcpSocket::leave_port() {
  if (in_port_table) kernel::host(host).ports.remove(this);
  bound = bound_by_connect = false;
}

void TcpSocket::detach_streams() {
  for (Stream* stream : {in, out}) {
    if (stream == nullptr) continue;
    if (stream->from == this) stream->from = nullptr;
    if (stream->to == this) stream->to = nullptr;
    if (stream->from == nullptr && stream->to == nullptr) {
      bool self_connected = in == out;
      ++stream->generation;
      pools.streams.give(stream);
      if (self_connected) break;
    }
  }
  in = out = nullptr;
}

void TcpSocket::free_if_orphan() {
  if (!orphan || state != State::closed) return;
  leave_port();
  detach_streams();
  orphan = false;
  ++generation;
  pools.tcp_sockets.give(this);
}

void TcpSocket::release() {  // tcp_close
  orphan = true;
  switch (state) {
    case State::listen:
      close_listener();
      state = State::closed;
      break;
    case State::syn_sent:
    case State::syn_received:
      state = State::closed;  // a late SYN-ACK finds nobody and is answered with a reset
      break;
    case State::established:
      close_connection();
      break;
    case State::closed:
      break;
  }
  free_if_orphan();
}

void TcpSocket::close_connection() {
  bool unread = in->unread() != 0;
  hidden = squeezed = false;
  shut_read = shut_write = true;
  if (unread || (linger_on && linger_seconds == 0)) {
    // RFC 2525, 2.17: closing with unread data is a reset; linger 0 asks for one.
    send_reset();
    state = State::closed;
    out->written = out->sent;
    return;
  }
  send_fin();
}

void TcpSocket::send_reset() {
  if (out != nullptr) Network::send_reset(out);
}

// --- shutdown(2)

long TcpSocket::shutdown(int how) {  // inet_shutdown
  if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
  if (use == Use::connecting) {
    use = state == State::syn_sent || state == State::syn_received || state == State::closed
              ? Use::disconnecting
              : Use::connected;
  }
  long result = 0;
  bool read_side = how != SHUT_WR;
  bool write_side = how != SHUT_RD;
  switch (state) {
    case State::closed:
      result = -ENOTCONN;
      [[fallthrough]];
    case State::syn_received:
    case State::established:
      shut_read |= read_side;
      shut_write |= write_side;
      if (write_side && state == State::established) {
        send_fin();
        finish_if_both_closed();
      }
      break;
    case State::listen:
      if (!read_side) break;
      close_listener();
      disconnect();
      break;
    case State::syn_sent:
      disconnect();
      break;
  }
  wake(0);
  return result;
}

// --- Faults

bool TcpSocket::may_hide() const {
  if (state != State::established || hidden || hide_grace || error != 0 || shut_read) return false;
  // What the program has seen arrive can not be still in flight: peeked or counted bytes, a FIN
  // that epoll reported.
  if (in == nullptr || observed > in->read) return false;
  if ((reported & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) return false;
  return in->unread() != 0 || fin_received;
}

void TcpSocket::hide() {
  hidden = true;
  Network::schedule_unhide(this);
}

bool TcpSocket::may_squeeze() const {
  return state == State::established && !squeezed && !squeeze_grace && error == 0 && !shut_write;
}

void TcpSocket::squeeze() {
  squeezed = no_space = wants_output = true;
  Network::schedule_unsqueeze(this);
}

bool TcpSocket::may_be_reset_by_network() const {
  return state == State::established && error == 0 && out->to != nullptr && out->to != this;
}

void TcpSocket::reset_by_network() {
  send_reset();  // travels to the peer like everything else
  die(fin_received && !hidden ? EPIPE : ECONNRESET);
}

// --- For people

std::string TcpSocket::describe() {
  static constexpr const char* kNames[] = {"closed", "listening", "connecting", "accepting",
                                           "established"};
  std::string text = "tcp ";
  text += to_string(local);
  if (peer_known) text += " -> " + to_string(remote);
  text += std::string(", ") + kNames[static_cast<int>(state)];
  if (queue_length_ != 0) text += ", " + std::to_string(queue_length_) + " to accept";
  if (in != nullptr && in->unread() != 0) {
    text += ", " + std::to_string(in->unread()) + " bytes unread";
  }
  if (queued_bytes() != 0) text += ", " + std::to_string(queued_bytes()) + " bytes unacknowledged";
  if (unsent_bytes() != 0) text += ", " + std::to_string(unsent_bytes()) + " bytes unsent";
  if (fin_received) text += ", peer has closed";
  if (shut_write && state == State::established) text += ", shut for writing";
  if (error != 0) text += std::string(", error ") + strerrorname_np(error);
  if (hidden || queue_hidden) text += ", held back by a fault";
  if (squeezed) text += ", squeezed by a fault";
  if (orphan) text += ", no descriptor";
  return text;
}

}  // namespace pollux::kernel

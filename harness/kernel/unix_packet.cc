// SPDX-License-Identifier: MIT
//
// A message costs its sender until the receiver is done with it, and counts as one in the
// receiver's queue. Which of the two limits held up a sender decides what it waits for: room in its
// own send buffer, or a turn at the receiver (net.unix.max_dgram_qlen). The second does not hold
// between two that are connected to each other.
#include "kernel/unix_packet.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "kernel/host.h"
#include "kernel/pools.h"
#include "kernel/state.h"

namespace pollux::kernel {
namespace {

constexpr uint32_t kQueueMax = 10;  // net.unix.max_dgram_qlen
constexpr uint32_t kRoom = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;

// skb->truesize (sock_alloc_send_pskb): a linear part, and pages for what is more than four pages'
// worth.
uint32_t cost_of(size_t size) {
  constexpr size_t kSkBuff = 256, kSharedInfo = 320, kPage = 4096;
  constexpr size_t kLinearMax = 16384 - kSharedInfo, kPagedMax = 17 * kPage;
  size_t paged = 0;
  if (size > kLinearMax) {
    paged = (std::min(size - kLinearMax, kPagedMax) + kPage - 1) & ~(kPage - 1);
    size = size > paged ? size - paged : 0;
  }
  size_t wanted = ((size + 63) & ~size_t{63}) + kSharedInfo;
  size_t area = 512;
  while (area < wanted) area *= 2;
  return static_cast<uint32_t>(kSkBuff + area + paged);
}

}  // namespace

void UnixPacketSocket::begin_life(unsigned host_number, int type) {
  begin_unix(host_number, type);
  queue_ = {};
  room_key_ = nullptr;
}

void UnixPacketSocket::release() {
  UnixSocket::release();
  pools.unix_packet_sockets.give(this);
}

// The message is over, read or not.
void UnixPacketSocket::discard(UnixMessage* message) {
  for (File* file : message->rights) file->drop();
  message->rights.clear();
  UnixPacketSocket* sender = message->sender;
  if (sender->generation == message->sender_generation) sender->give_back(message->cost);
  pools.unix_messages.give(message);
}

bool UnixPacketSocket::drop_queue() {
  bool any = !queue_.empty();
  // Since 6.16 an empty message at the head passes for consumed urgent data: no reset for it alone.
  if (any && type() == SOCK_SEQPACKET) any = queue_.count() > 1 || queue_.first()->size != 0;
  while (!queue_.empty()) discard(queue_.pop());
  return any;
}

bool UnixPacketSocket::queue_full() const { return queue_.count() > kQueueMax; }

size_t UnixPacketSocket::readable_bytes() const {
  if (queue_.empty()) return 0;
  if (type() == SOCK_DGRAM) return queue_.first()->size;
  size_t sum = 0;  // unix_inq_len
  for (const UnixMessage* at = queue_.first(); at != nullptr; at = at->next) sum += at->size;
  return sum;
}

uint32_t UnixPacketSocket::poll() {  // unix_dgram_poll
  uint32_t mask = common_poll();
  if (!queue_.empty()) mask |= EPOLLIN | EPOLLRDNORM;
  auto* peer = static_cast<UnixPacketSocket*>(peer_);
  if ((mask & EPOLLOUT) != 0 && peer != nullptr && peer->peer_ != this && peer->queue_full()) {
    wants_room_ = true;
    mask &= ~kRoom;
  }
  return mask;
}

// --- Receiving

long UnixPacketSocket::receive(const Buffers& buffers, size_t limit, int flags,
                               Envelope* envelope) {
  bool sequenced = type() == SOCK_SEQPACKET;
  if (sequenced && state() != State::connected) return -ENOTCONN;
  if (error != 0) return -take_error();  // __skb_try_recv_datagram: before the queue
  if (queue_.empty()) return sequenced && shut_read ? 0 : -EAGAIN;
  bool peek = (flags & MSG_PEEK) != 0;
  UnixMessage* message = peek ? queue_.first() : queue_.pop();
  if (!peek) wake_waiting_senders();
  size_t size = std::min(message->size, limit);
  long result = static_cast<long>((flags & MSG_TRUNC) != 0 ? message->size : size);
  if (buffers.faulty() && size != 0) {
    result = -EFAULT;  // and the message is gone all the same
  } else {
    buffers.copy_from(0, message->bytes.get(), size);
    if (envelope != nullptr) {
      envelope->name = message->from;
      if (size < message->size) envelope->flags |= MSG_TRUNC;
      if (peek) {
        envelope->copy_rights(message->rights);
      } else {
        envelope->rights.swap(message->rights);
      }
    }
  }
  if (!peek) discard(message);
  return result;
}

// --- Sending

// Whom the message is for (unix_dgram_sendmsg between its restart label and the queue).
long UnixPacketSocket::receiver_for(const Envelope* envelope, UnixPacketSocket** receiver) {
  bool named = type() == SOCK_DGRAM && envelope != nullptr && envelope->name.length != 0;
  UnixSocket* other = peer_;
  if (named) {
    long problem = kernel::host(host).unix_names.find(envelope->name, type(), &other);
    if (problem != 0) return problem;
  } else if (other == nullptr) {
    if (!peer_gone_) return -ENOTCONN;
    if (type() == SOCK_SEQPACKET) return -EPIPE;
    peer_gone_ = false;  // told once; from now on there is no peer
    drop_queue();
    return -ECONNREFUSED;
  }
  *receiver = static_cast<UnixPacketSocket*>(other);
  if ((*receiver)->peer_ != nullptr && (*receiver)->peer_ != this) return -EPERM;
  return (*receiver)->shut_read ? -EPIPE : 0;
}

long UnixPacketSocket::check_sender() {  // unix_seqpacket_sendmsg
  if (type() != SOCK_SEQPACKET) return 0;
  if (error != 0) return -take_error();
  return state() == State::connected ? 0 : -ENOTCONN;
}

long UnixPacketSocket::transmit(const Buffers& buffers, size_t limit, int,
                                const Envelope* envelope) {
  room_key_ = nullptr;
  if (long problem = check_sender(); problem != 0) return problem;
  if (type() == SOCK_DGRAM && envelope != nullptr && envelope->name.length != 0) {
    if (long problem = check_unix_name(envelope->name); problem != 0) return problem;
  }
  if (limit > send_buffer - 32) return -EMSGSIZE;
  if (error != 0) return -take_error();  // sock_alloc_send_pskb
  if (shut_write) return -EPIPE;
  if (cost_ >= send_buffer) {
    wants_output = true;
    return -EAGAIN;
  }
  if (buffers.faulty() && limit != 0) return -EFAULT;
  UnixPacketSocket* receiver = nullptr;
  if (long problem = receiver_for(envelope, &receiver); problem != 0) {
    // The message was made before, and is freed (sock_wfree, unix_write_space).
    if (type() == SOCK_DGRAM) wake(kRoom);
    return problem;
  }
  if (receiver != this && receiver->peer_ != this && receiver->queue_full()) {
    if (peer_ == receiver) wants_room_ = true;
    wants_output = true;
    room_key_ = receiver->waiting_senders();
    return -EAGAIN;
  }
  wants_output = false;
  UnixMessage* message = pools.unix_messages.take();
  message->fill(buffers, limit);
  message->cost = cost_of(limit);
  message->from = name();
  message->sender = this;
  message->sender_generation = generation;
  message->rights.clear();
  if (envelope != nullptr) {
    message->rights = envelope->rights;
    for (File* file : message->rights) file->hold();
  }
  cost_ += message->cost;
  receiver->queue_.push(message);
  receiver->wake(EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND);
  return static_cast<long>(limit);
}

bool UnixPacketSocket::wait_for_room(int64_t deadline) {
  if (room_key_ == nullptr) return wait(deadline);
  return sleep_on(explore::Why::io, room_key_, deadline);
}

}  // namespace pollux::kernel

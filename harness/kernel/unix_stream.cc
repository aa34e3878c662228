// SPDX-License-Identifier: MIT
#include "kernel/unix_stream.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "kernel/pools.h"

namespace pollux::kernel {
namespace {

constexpr size_t kHeadMax = 3776;               // of an skb's bytes, what is not in pages
constexpr size_t kPieceMax = kHeadMax + 32768;  // what one skb takes

// SKB_TRUESIZE: the sk_buff, and its data area rounded up to what kmalloc gives.
uint32_t cost_of(size_t size) {
  constexpr size_t kSkBuff = 256, kSharedInfo = 320, kPage = 4096;
  size_t head = std::min(size, kHeadMax);
  size_t wanted = ((head + 63) & ~size_t{63}) + kSharedInfo;
  size_t area = 512;
  while (area < wanted) area *= 2;
  size_t paged = (size - head + kPage - 1) & ~(kPage - 1);
  return static_cast<uint32_t>(kSkBuff + area + paged);
}

}  // namespace

void UnixStream::begin_life(unsigned host_number) {
  begin_unix(host_number, SOCK_STREAM);
  read_ = written_ = 0;
  pieces_.clear();
  first_piece_ = 0;
  passed_.clear();
}

void UnixStream::release() {
  UnixSocket::release();
  pools.unix_streams.give(this);
}

bool UnixStream::drop_queue() {
  for (Passed& passed : passed_) {
    for (File* file : passed.files) file->drop();
  }
  passed_.clear();
  if (peer_ != nullptr) static_cast<UnixStream*>(peer_)->cost_ = 0;
  return readable_bytes() != 0;
}

uint32_t UnixStream::poll() {  // unix_poll
  uint32_t mask = common_poll();
  if (readable_bytes() != 0) mask |= EPOLLIN | EPOLLRDNORM;
  return mask;
}

// Buffers that were read to their end go, and their cost with them (sock_wfree).
void UnixStream::free_pieces() {
  uint32_t freed = 0;
  while (first_piece_ != pieces_.size() && pieces_[first_piece_].end <= read_) {
    freed += pieces_[first_piece_].cost;
    ++first_piece_;
  }
  if (first_piece_ == pieces_.size()) {
    pieces_.clear();
    first_piece_ = 0;
  } else if (first_piece_ >= 1024) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<long>(first_piece_));
    first_piece_ = 0;
  }
  // An edge whenever something was freed and there is room.
  if (freed != 0 && peer_ != nullptr) static_cast<UnixStream*>(peer_)->give_back(freed);
}

// A read does not go beyond a buffer that files came with, and gets the files with the first of its
// bytes (unix_stream_read_generic). Returns how much of `size` that leaves.
size_t UnixStream::with_rights(size_t size, bool peek, Envelope* envelope) {
  Passed& passed = passed_.front();
  if (passed.begin >= read_ + size) return size;
  size = std::min<size_t>(size, passed.end - read_);
  if (envelope != nullptr) {
    if (peek) {
      envelope->copy_rights(passed.files);
      return size;
    }
    envelope->rights.swap(passed.files);
  }
  if (!peek) {
    for (File* file : passed.files) file->drop();
    passed_.erase(passed_.begin());
  }
  return size;
}

long UnixStream::receive(const Buffers& buffers, size_t limit, int flags, Envelope* envelope) {
  if (state_ != State::connected) return -EINVAL;
  size_t available = readable_bytes();
  if (available == 0) {  // unix_stream_read_generic: error, then end, then nothing yet
    if (error != 0) return -take_error();
    return shut_read ? 0 : -EAGAIN;
  }
  size_t size = std::min(available, limit);
  if (buffers.faulty()) return -EFAULT;
  bool peek = (flags & MSG_PEEK) != 0;
  if (envelope != nullptr && peer_ != nullptr) envelope->name = peer_->name();
  if (__builtin_expect(!passed_.empty(), 0) && size != 0) size = with_rights(size, peek, envelope);
  ring_.get(read_, buffers, 0, size);
  if (!peek) {
    read_ += size;
    free_pieces();
  }
  return static_cast<long>(size);
}

long UnixStream::transmit(const Buffers& buffers, size_t limit, int, const Envelope* envelope) {
  if (envelope != nullptr && envelope->name.length != 0) {
    return state_ == State::connected ? -EISCONN : -EOPNOTSUPP;
  }
  auto* peer = static_cast<UnixStream*>(peer_);
  if (peer == nullptr && !peer_gone_) return -ENOTCONN;
  if (shut_write || peer == nullptr || peer->shut_read) return -EPIPE;
  if (limit == 0) return 0;
  if (buffers.faulty()) return -EFAULT;
  size_t done = 0;
  while (done < limit && cost_ < send_buffer) {  // sock_alloc_send_pskb
    size_t piece = std::min({limit - done, static_cast<size_t>(send_buffer / 2 - 64), kPieceMax});
    peer->ring_.reserve(peer->read_, peer->written_, peer->written_ + piece);
    peer->ring_.put(peer->written_, buffers, done, piece);
    if (done == 0 && envelope != nullptr && !envelope->rights.empty()) {  // with the first piece
      peer->passed_.push_back({peer->written_, peer->written_ + piece, envelope->rights});
      for (File* file : envelope->rights) file->hold();
    }
    peer->written_ += piece;
    uint32_t cost = cost_of(piece);
    peer->pieces_.push_back({peer->written_, cost});
    cost_ += cost;
    done += piece;
  }
  wants_output = done < limit;
  if (done == 0) return -EAGAIN;
  peer->wake(EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND);
  return static_cast<long>(done);
}

}  // namespace pollux::kernel

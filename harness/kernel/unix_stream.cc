// SPDX-License-Identifier: MIT
#include "kernel/unix_stream.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "kernel/pools.h"

namespace pollux::kernel {
namespace {

constexpr uint32_t kDefaultBuffer = 212992;     // net.core.wmem_default
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

void UnixStream::create_pair(unsigned host, UnixStream** a, UnixStream** b) {
  for (UnixStream** end : {a, b}) {
    UnixStream* file = *end = pools.unix_streams.take();
    file->begin_socket(host, kDefaultBuffer, kDefaultBuffer);
    file->read_ = file->written_ = 0;
    file->pieces_.clear();
    file->first_piece_ = 0;
    file->cost_ = 0;
  }
  (*a)->peer_ = *b;
  (*b)->peer_ = *a;
}

void UnixStream::release() {  // unix_release_sock
  if (peer_ != nullptr) {
    peer_->shut_read = peer_->shut_write = true;
    if (readable_bytes() != 0) peer_->error = ECONNRESET;
    peer_->cost_ = 0;  // our queue is purged
    peer_->peer_ = nullptr;
    peer_->wake(0);
  }
  peer_ = nullptr;
  pools.unix_streams.give(this);
}

std::string UnixStream::describe() {
  std::string text = "unix stream";
  if (readable_bytes() != 0) text += ", " + std::to_string(readable_bytes()) + " bytes unread";
  if (peer_ == nullptr) text += ", peer has closed";
  return text;
}

uint32_t UnixStream::poll() {  // unix_poll
  uint32_t mask = 0;
  if (error != 0) mask |= EPOLLERR;
  if (shut_read && shut_write) mask |= EPOLLHUP;
  if (shut_read) mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
  if (readable_bytes() != 0) mask |= EPOLLIN | EPOLLRDNORM;
  if (is_writable()) mask |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
  return mask;
}

// Buffers that were read to their end go, and their cost with them (sock_wfree).
void UnixStream::free_pieces() {
  bool freed = false;
  while (first_piece_ != pieces_.size() && pieces_[first_piece_].end <= read_) {
    if (peer_ != nullptr) peer_->cost_ -= pieces_[first_piece_].cost;
    ++first_piece_;
    freed = true;
  }
  if (first_piece_ == pieces_.size()) {
    pieces_.clear();
    first_piece_ = 0;
  } else if (first_piece_ >= 1024) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<long>(first_piece_));
    first_piece_ = 0;
  }
  // unix_write_space: an edge whenever something was freed and there is room.
  if (freed && peer_ != nullptr && peer_->is_writable()) {
    peer_->wake(EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
  }
}

long UnixStream::read(const Buffers& buffers, size_t limit, int flags) {
  size_t available = readable_bytes();
  if (available == 0) {  // unix_stream_read_generic: error, then end, then nothing yet
    if (error != 0) return -take_error();
    return shut_read ? 0 : -EAGAIN;
  }
  size_t size = std::min(available, limit);
  if (buffers.faulty()) return -EFAULT;
  ring_.get(read_, buffers, 0, size);
  if ((flags & MSG_PEEK) == 0) {
    read_ += size;
    free_pieces();
  }
  return static_cast<long>(size);
}

long UnixStream::write(const Buffers& buffers, size_t limit, int) {
  if (shut_write || peer_ == nullptr || peer_->shut_read) return -EPIPE;
  if (limit == 0) return 0;
  if (buffers.faulty()) return -EFAULT;
  size_t done = 0;
  while (done < limit && cost_ < send_buffer) {  // sock_alloc_send_pskb
    size_t piece = std::min({limit - done, static_cast<size_t>(send_buffer / 2 - 64), kPieceMax});
    peer_->ring_.reserve(peer_->read_, peer_->written_, peer_->written_ + piece);
    peer_->ring_.put(peer_->written_, buffers, done, piece);
    peer_->written_ += piece;
    uint32_t cost = cost_of(piece);
    peer_->pieces_.push_back({peer_->written_, cost});
    cost_ += cost;
    done += piece;
  }
  wants_output = done < limit;
  if (done == 0) return -EAGAIN;
  peer_->wake(EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND);
  return static_cast<long>(done);
}

long UnixStream::shutdown(int how) {  // unix_shutdown
  if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
  bool read_side = how != SHUT_WR;
  bool write_side = how != SHUT_RD;
  shut_read |= read_side;
  shut_write |= write_side;
  if (peer_ != nullptr) {
    peer_->shut_read |= write_side;
    peer_->shut_write |= read_side;
    peer_->wake(0);
  }
  wake(0);
  return 0;
}

}  // namespace pollux::kernel

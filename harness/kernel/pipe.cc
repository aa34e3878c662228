// SPDX-License-Identifier: MIT
//
// pipe_read, pipe_write and pipe_poll. A write fills whole pages and may top up the last one, so
// up to a page goes in as one piece or not at all, and POLLOUT needs a free page.
#include "kernel/pipe.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernel/pools.h"

namespace pollux::kernel {

size_t Pipe::bytes() const {
  size_t sum = 0;
  for (uint32_t at = tail; at != head; ++at) sum += slots[at % size()].length;
  return sum;
}

void Pipe::resize(uint32_t count) {
  std::unique_ptr<char[]> new_pages(new char[count * kPage]);
  std::vector<Slot> new_slots(count);
  uint32_t used = 0;
  for (; tail != head; ++tail, ++used) {
    new_slots[used] = slot(tail);
    std::memcpy(new_pages.get() + used * kPage, page(tail), kPage);
  }
  pages = std::move(new_pages);
  slots = std::move(new_slots);
  tail = 0;
  head = used;
}

void PipeEnd::create(unsigned host, PipeEnd** reader, PipeEnd** writer) {
  Pipe* pipe = pools.pipes.take();
  pipe->head = pipe->tail = 0;
  if (pipe->size() != Pipe::kSlots) pipe->resize(Pipe::kSlots);
  pipe->polled = false;
  for (bool is_reader : {true, false}) {
    PipeEnd* end = pools.pipe_ends.take();
    end->begin(host);
    end->pipe_ = pipe;
    end->is_reader_ = is_reader;
    end->readable_mode = is_reader;
    end->writable_mode = !is_reader;
    (is_reader ? pipe->reader : pipe->writer) = end;
    *(is_reader ? reader : writer) = end;
  }
}

void PipeEnd::release() {
  (is_reader_ ? pipe_->reader : pipe_->writer) = nullptr;
  PipeEnd* other = is_reader_ ? pipe_->writer : pipe_->reader;
  if (other != nullptr) {
    other->wake(0);
  } else {
    pools.pipes.give(pipe_);
  }
  pools.pipe_ends.give(this);
}

std::string PipeEnd::describe() {
  std::string text = kind_name();
  if (bytes() != 0) text += ", " + std::to_string(bytes()) + " bytes unread";
  if ((is_reader_ ? pipe_->writer : pipe_->reader) == nullptr) text += ", other end closed";
  return text;
}

void PipeEnd::peek(char* to, size_t size) const {
  for (uint32_t at = pipe_->tail; size != 0; ++at) {
    const Pipe::Slot& slot = pipe_->slot(at);
    size_t piece = std::min<size_t>(slot.length, size);
    std::memcpy(to, pipe_->page(at) + slot.offset, piece);
    to += piece;
    size -= piece;
  }
}

long PipeEnd::set_size(long wanted) {
  constexpr long kLargest = 1 << 20;  // /proc/sys/fs/pipe-max-size: beyond it only the privileged
  if (wanted < 0) return -EINVAL;
  if (wanted > kLargest) return -EPERM;
  uint32_t count = 1;
  while (static_cast<long>(count * Pipe::kPage) < wanted) count *= 2;
  if (count < pipe_->head - pipe_->tail) return -EBUSY;
  bool grows = count > pipe_->size();
  pipe_->resize(count);
  if (grows && pipe_->writer != nullptr) pipe_->writer->wake(EPOLLOUT | EPOLLWRNORM);
  return size();
}

uint32_t PipeEnd::poll() {
  pipe_->polled = true;
  uint32_t mask = 0;
  if (is_reader_) {
    if (!pipe_->empty()) mask |= EPOLLIN | EPOLLRDNORM;
    if (pipe_->writer == nullptr) mask |= EPOLLHUP;
  } else {
    if (!pipe_->full()) mask |= EPOLLOUT | EPOLLWRNORM;
    if (pipe_->reader == nullptr) mask |= EPOLLERR;
  }
  return mask;
}

long PipeEnd::read(const Buffers& buffers, size_t limit, int) {
  if (limit == 0) return 0;
  if (pipe_->empty()) return pipe_->writer == nullptr ? 0 : -EAGAIN;
  if (buffers.faulty()) return -EFAULT;
  bool was_full = pipe_->full();
  size_t done = 0;
  while (done < limit && !pipe_->empty()) {
    Pipe::Slot& slot = pipe_->slot(pipe_->tail);
    size_t piece = std::min<size_t>(slot.length, limit - done);
    buffers.copy_from(done, pipe_->page(pipe_->tail) + slot.offset, piece);
    slot.offset += static_cast<uint32_t>(piece);
    slot.length -= static_cast<uint32_t>(piece);
    done += piece;
    if (slot.length == 0) ++pipe_->tail;
  }
  if (was_full && pipe_->writer != nullptr) pipe_->writer->wake(EPOLLOUT | EPOLLWRNORM);
  return static_cast<long>(done);
}

long PipeEnd::write(const Buffers& buffers, size_t limit, int) {
  if (limit == 0) return 0;
  if (pipe_->reader == nullptr) return -EPIPE;
  if (buffers.faulty()) return -EFAULT;
  bool was_empty = pipe_->empty();
  size_t done = 0;
  size_t remainder = limit % Pipe::kPage;
  if (remainder != 0 && !was_empty) {
    Pipe::Slot& slot = pipe_->slot(pipe_->head - 1);
    size_t end = slot.offset + slot.length;
    if (end + remainder <= Pipe::kPage) {
      buffers.copy_to(0, pipe_->page(pipe_->head - 1) + end, remainder);
      slot.length += static_cast<uint32_t>(remainder);
      done = remainder;
    }
  }
  while (done < limit && !pipe_->full()) {
    size_t piece = std::min(limit - done, Pipe::kPage);
    buffers.copy_to(done, pipe_->page(pipe_->head), piece);
    pipe_->slot(pipe_->head) = {0, static_cast<uint32_t>(piece)};
    ++pipe_->head;
    done += piece;
  }
  wants_output = done < limit;
  if (done == 0) return -EAGAIN;
  // Since 5.14 a reader that was ever polled is woken by every write (poll_usage).
  if (was_empty || pipe_->polled) pipe_->reader->wake(EPOLLIN | EPOLLRDNORM);
  return static_cast<long>(done);
}

}  // namespace pollux::kernel

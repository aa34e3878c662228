// SPDX-License-Identifier: MIT
//
// pipe_read, pipe_write and pipe_poll. A write fills whole pages and may top up the last one, so
// up to a page goes in as one piece or not at all, and POLLOUT needs a free page.
#include "kernel/pipe.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "kernel/pools.h"

namespace pollux::kernel {

size_t Pipe::bytes() const {
  size_t sum = 0;
  for (uint32_t at = tail; at != head; ++at) sum += slots[at % kSlots].length;
  return sum;
}

void PipeEnd::create(unsigned host, PipeEnd** reader, PipeEnd** writer) {
  Pipe* pipe = pools.pipes.take();
  if (pipe->pages == nullptr) pipe->pages.reset(new char[Pipe::kSlots * Pipe::kPage]);
  pipe->head = pipe->tail = 0;
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
    uint32_t index = pipe_->tail % Pipe::kSlots;
    Pipe::Slot& slot = pipe_->slots[index];
    size_t piece = std::min<size_t>(slot.length, limit - done);
    buffers.copy_from(done, pipe_->pages.get() + index * Pipe::kPage + slot.offset, piece);
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
    uint32_t index = (pipe_->head - 1) % Pipe::kSlots;
    Pipe::Slot& slot = pipe_->slots[index];
    size_t end = slot.offset + slot.length;
    if (end + remainder <= Pipe::kPage) {
      buffers.copy_to(0, pipe_->pages.get() + index * Pipe::kPage + end, remainder);
      slot.length += static_cast<uint32_t>(remainder);
      done = remainder;
    }
  }
  while (done < limit && !pipe_->full()) {
    uint32_t index = pipe_->head % Pipe::kSlots;
    size_t piece = std::min(limit - done, Pipe::kPage);
    buffers.copy_to(done, pipe_->pages.get() + index * Pipe::kPage, piece);
    pipe_->slots[index] = {0, static_cast<uint32_t>(piece)};
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

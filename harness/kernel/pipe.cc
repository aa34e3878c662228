// SPDX-License-Identifier: MIT
//
// pipe_read, pipe_write and pipe_poll. A write fills whole pages and may top up the last one, so
// up to a page goes in as one piece or not at all, and POLLOUT needs a free page.
#include "kernel/pipe.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "explore/processes.h"
#include "kernel/pools.h"
#include "kernel/state.h"

namespace pollux::kernel {
namespace {

constexpr uint32_t kReaderKeys = EPOLLIN | EPOLLRDNORM, kWriterKeys = EPOLLOUT | EPOLLWRNORM;

// Of the run; in shared memory since before the first fork, like what is behind it.
struct SharedRings {
  SharedRing* first = nullptr;
};
SharedRings* all_shared = nullptr;

constexpr size_t bytes_for(uint32_t slots) { return slots * (Ring::kPage + sizeof(Ring::Slot)); }

// Moves to `memory`, which has room for `count` slots.
void move_ring(Ring& ring, char* memory, uint32_t count) {
  char* pages = memory;
  auto* slots = reinterpret_cast<Ring::Slot*>(memory + count * Ring::kPage);
  uint32_t used = 0;
  for (; ring.tail != ring.head; ++ring.tail, ++used) {
    slots[used] = ring.slot(ring.tail);
    std::memcpy(pages + used * Ring::kPage, ring.page(ring.tail), Ring::kPage);
  }
  ring.pages = pages;
  ring.slots = slots;
  ring.size = count;
  ring.tail = 0;
  ring.head = used;
}

// There is news for the readers or the writers among the other processes.
void tell_others(SharedRing& shared, unsigned side) {
  ++shared.news[side];
  shared.news_at[side] = now();
  for (uint64_t rest = shared.open[side]; rest != 0; rest &= rest - 1) {
    const auto process = static_cast<unsigned>(__builtin_ctzll(rest));
    if (process != explore::own_process()) explore::tell_process(process);
  }
}

// One that nobody has open any more, or a new one.
SharedRing* take_shared(uint32_t slots) {
  for (SharedRing* shared = all_shared->first; shared != nullptr; shared = shared->next) {
    if ((shared->open[0] | shared->open[1]) == 0 && shared->ring.size == slots) return shared;
  }
  auto* shared = new (explore::shared_memory(sizeof(SharedRing))) SharedRing;
  shared->ring.pages = static_cast<char*>(explore::shared_memory(bytes_for(slots)));
  shared->next = all_shared->first;
  return all_shared->first = shared;
}

}  // namespace

size_t Ring::bytes() const {
  size_t sum = 0;
  for (uint32_t at = tail; at != head; ++at) sum += slots[at % size].length;
  return sum;
}

void Pipe::resize(uint32_t count) {
  if (shared != nullptr) {
    move_ring(*ring, static_cast<char*>(explore::shared_memory(bytes_for(count))), count);
  } else {
    std::unique_ptr<char[]> memory(new char[bytes_for(count)]);
    move_ring(*ring, memory.get(), count);
    own_memory = std::move(memory);
  }
}

bool Pipe::has_other(bool is_reader) const {
  const unsigned other = is_reader ? 1 : 0;
  return shared != nullptr ? shared->open[other] != 0 : ends[other] != nullptr;
}

void Pipe::wake_other(bool is_reader, uint32_t key) {
  const unsigned other = is_reader ? 1 : 0;
  if (ends[other] != nullptr) ends[other]->wake(key);
  if (shared == nullptr) return;
  tell_others(*shared, other);
  seen[other] = shared->news[other];
}

void share_pipes(unsigned host, unsigned child) {
  if (all_shared == nullptr) {
    all_shared = new (explore::shared_memory(sizeof(SharedRings))) SharedRings;
  }
  pools.pipe_ends.visit_used([host, child](PipeEnd& end) {
    if (end.is_open() && end.host == host) end.share_with(child);
  });
}

void hear_of_pipes() {
  pools.pipe_ends.visit_used([](PipeEnd& end) {
    if (end.is_open()) end.hear();
  });
}

void close_shared_ends(unsigned process) {
  for (SharedRing* shared = all_shared->first; shared != nullptr; shared = shared->next) {
    for (unsigned side : {0u, 1u}) {
      const uint64_t bit = uint64_t{1} << process;
      if ((shared->open[side] & bit) == 0) continue;
      shared->open[side] &= ~bit;
      tell_others(*shared, 1 - side);
    }
  }
}

void PipeEnd::share_with(unsigned child) {
  SharedRing*& shared = pipe_->shared;
  if (shared == nullptr) {
    shared = take_shared(pipe_->own.size);
    char* memory = shared->ring.pages;
    shared->ring = pipe_->own;
    move_ring(shared->ring, memory, pipe_->own.size);
    pipe_->ring = &shared->ring;
    for (unsigned each : {0u, 1u}) {
      pipe_->seen[each] = shared->news[each];
      if (pipe_->ends[each] != nullptr) shared->open[each] = uint64_t{1} << explore::own_process();
    }
  }
  shared->open[side()] |= uint64_t{1} << child;
}

void PipeEnd::hear() {
  SharedRing* shared = pipe_->shared;
  if (shared == nullptr || pipe_->seen[side()] == shared->news[side()]) return;
  pipe_->seen[side()] = shared->news[side()];
  explore::catch_up(shared->news_at[side()]);
  const bool alone = !pipe_->has_other(is_reader_);
  wake(alone ? 0 : is_reader_ ? kReaderKeys : kWriterKeys);
}

void PipeEnd::create(unsigned host, PipeEnd** reader, PipeEnd** writer) {
  Pipe* pipe = pools.pipes.take();
  pipe->ring = &pipe->own;
  pipe->shared = nullptr;
  pipe->own.head = pipe->own.tail = 0;
  if (pipe->own.size != Pipe::kSlots) pipe->resize(Pipe::kSlots);
  pipe->own.polled = false;
  for (bool is_reader : {true, false}) {
    PipeEnd* end = pools.pipe_ends.take();
    end->begin(host);
    end->pipe_ = pipe;
    end->is_reader_ = is_reader;
    end->readable_mode = is_reader;
    end->writable_mode = !is_reader;
    pipe->ends[end->side()] = end;
    *(is_reader ? reader : writer) = end;
  }
}

void PipeEnd::release() {
  pipe_->ends[side()] = nullptr;
  if (pipe_->shared != nullptr) {
    uint64_t& open = pipe_->shared->open[side()];
    open &= ~(uint64_t{1} << explore::own_process());
    if (open == 0) pipe_->wake_other(is_reader_, 0);
  } else {
    pipe_->wake_other(is_reader_, 0);
  }
  if (pipe_->ends[1 - side()] == nullptr) pools.pipes.give(pipe_);
  pools.pipe_ends.give(this);
}

std::string PipeEnd::describe() {
  std::string text = kind_name();
  if (bytes() != 0) text += ", " + std::to_string(bytes()) + " bytes unread";
  if (other_end_closed()) text += ", other end closed";
  return text;
}

void PipeEnd::peek(char* to, size_t size) const {
  Ring& ring = *pipe_->ring;
  for (uint32_t at = ring.tail; size != 0; ++at) {
    const Ring::Slot& slot = ring.slot(at);
    size_t piece = std::min<size_t>(slot.length, size);
    std::memcpy(to, ring.page(at) + slot.offset, piece);
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
  const Ring& ring = *pipe_->ring;
  if (count < ring.head - ring.tail) return -EBUSY;
  bool grows = count > ring.size;
  pipe_->resize(count);
  if (grows) pipe_->wake_other(true, kWriterKeys);
  return size();
}

uint32_t PipeEnd::poll() {
  Ring& ring = *pipe_->ring;
  ring.polled = true;
  uint32_t mask = 0;
  if (is_reader_) {
    if (!ring.empty()) mask |= kReaderKeys;
    if (other_end_closed()) mask |= EPOLLHUP;
  } else {
    if (!ring.full()) mask |= kWriterKeys;
    if (other_end_closed()) mask |= EPOLLERR;
  }
  return mask;
}

long PipeEnd::read(const Buffers& buffers, size_t limit, int) {
  if (limit == 0) return 0;
  Ring& ring = *pipe_->ring;
  if (ring.empty()) return other_end_closed() ? 0 : -EAGAIN;
  if (buffers.faulty()) return -EFAULT;
  bool was_full = ring.full();
  size_t done = 0;
  while (done < limit && !ring.empty()) {
    Ring::Slot& slot = ring.slot(ring.tail);
    size_t piece = std::min<size_t>(slot.length, limit - done);
    buffers.copy_from(done, ring.page(ring.tail) + slot.offset, piece);
    slot.offset += static_cast<uint32_t>(piece);
    slot.length -= static_cast<uint32_t>(piece);
    done += piece;
    if (slot.length == 0) ++ring.tail;
  }
  if (was_full) pipe_->wake_other(true, kWriterKeys);
  return static_cast<long>(done);
}

long PipeEnd::write(const Buffers& buffers, size_t limit, int) {
  if (limit == 0) return 0;
  if (other_end_closed()) return -EPIPE;
  if (buffers.faulty()) return -EFAULT;
  Ring& ring = *pipe_->ring;
  bool was_empty = ring.empty();
  size_t done = 0;
  size_t remainder = limit % Pipe::kPage;
  if (remainder != 0 && !was_empty) {
    Ring::Slot& slot = ring.slot(ring.head - 1);
    size_t end = slot.offset + slot.length;
    if (end + remainder <= Pipe::kPage) {
      buffers.copy_to(0, ring.page(ring.head - 1) + end, remainder);
      slot.length += static_cast<uint32_t>(remainder);
      done = remainder;
    }
  }
  while (done < limit && !ring.full()) {
    size_t piece = std::min(limit - done, Pipe::kPage);
    buffers.copy_to(done, ring.page(ring.head), piece);
    ring.slot(ring.head) = {0, static_cast<uint32_t>(piece)};
    ++ring.head;
    done += piece;
  }
  wants_output = done < limit;
  if (done == 0) return -EAGAIN;
  // Since 5.14 a reader that was ever polled is woken by every write (poll_usage).
  if (was_empty || ring.polled) pipe_->wake_other(false, kReaderKeys);
  return static_cast<long>(done);
}

}  // namespace pollux::kernel
